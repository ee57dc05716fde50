package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// DefaultBranch is where anchors go in a git remote unless its URL names another
// branch.
const DefaultBranch = "anchors"

// refs of the private clone: the remote's branch as it was last seen, and what it
// was before somebody rewrote it.
const (
	refSeen = "refs/anchors/seen"
	refLost = "refs/anchors/lost/"
)

// Git keeps anchors in a git remote: a commit each, pushed to one branch. It is a
// Writer and a Reader. The remote should refuse to rewrite that branch
// (receive.denyNonFastForwards and receive.denyDeletes, or a protected branch);
// that it was rewritten shows here as long as the private clone exists.
type Git struct {
	remote string // as git spells it
	branch string
	trail  string
	g      git

	mu sync.Mutex // one at a time in the clone
}

// NewGit keeps anchors in the remote at git+ssh://…#branch or git+file:///…#branch.
// dir is where its private clone goes, and a file known_hosts that is believed
// beside the user's own; secretFile is the private key for ssh, "" for the user's
// default ones.
func NewGit(remote, secretFile, dir, trail string) (*Git, error) {
	u, err := url.Parse(remote)
	if err != nil {
		return nil, fmt.Errorf("open git remote: %q is not a URL", remote)
	}
	protocol, ok := strings.CutPrefix(u.Scheme, "git+")
	if !ok || protocol != "ssh" && protocol != "file" {
		return nil, fmt.Errorf("open git remote: %q is neither git+ssh:// nor git+file://", remote)
	}
	w := &Git{branch: DefaultBranch, trail: trail}
	if u.Fragment != "" {
		w.branch = u.Fragment
	}
	u.Scheme, u.Fragment = protocol, ""
	w.remote = u.String()
	if protocol == "file" {
		w.remote = u.Path
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open git remote: %w", err)
	}
	w.g = git{dir: filepath.Join(dir, hexSum([]byte(w.remote + "#" + w.branch))[:16]+".git"), protocol: protocol,
		key: secretFile, hosts: filepath.Join(dir, "known_hosts")}
	return w, nil
}

// String names the remote.
func (w *Git) String() string {
	if filepath.IsAbs(w.remote) {
		return "git+file://" + w.remote + "#" + w.branch
	}
	return "git+" + w.remote + "#" + w.branch
}

// Put keeps a in a commit of its own. Another node may be faster: then its commit
// comes first.
func (w *Git) Put(ctx context.Context, a Anchor) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	for range 4 {
		if err = w.put(ctx, a); err == nil || errors.Is(err, ErrConflict) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	return nil
}

func (w *Git) put(ctx context.Context, a Anchor) error {
	tip, err := w.fetch(ctx)
	if err != nil && !errors.Is(err, ErrDamaged) { // what was lost does not keep what comes from being kept
		return err
	}
	if tip != "" {
		there, err := w.g.run(ctx, nil, "cat-file", "blob", tip+":"+a.Name())
		if err == nil {
			if !bytes.Equal(there, a.Marshal()) {
				return fmt.Errorf("%w: %s", ErrConflict, a.Name())
			}
			return nil
		}
	}
	commit, err := w.commit(ctx, tip, a)
	if err != nil {
		return err
	}
	if _, err := w.g.run(ctx, nil, "push", "--quiet", "--no-verify", "--", w.remote, commit+":refs/heads/"+w.branch); err != nil {
		return err
	}
	_, err = w.g.run(ctx, nil, "update-ref", refSeen, commit)
	return err
}

// commit makes a commit that adds a to tip, "" for none.
func (w *Git) commit(ctx context.Context, tip string, a Anchor) (string, error) {
	object, err := w.g.line(ctx, a.Marshal(), "hash-object", "-w", "--stdin")
	if err != nil {
		return "", err
	}
	base := []string{"read-tree", "--empty"}
	if tip != "" {
		base = []string{"read-tree", tip}
	}
	if _, err := w.g.run(ctx, nil, base...); err != nil {
		return "", err
	}
	if _, err := w.g.run(ctx, nil, "update-index", "--add", "--cacheinfo", "100644,"+object+","+a.Name()); err != nil {
		return "", err
	}
	tree, err := w.g.line(ctx, nil, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", tree, "-m", fmt.Sprintf("%s: event %d, digest of %s", a.Trail, a.Seq, a.Digest.End.UTC().Format(time.RFC3339))}
	if tip != "" {
		args = append(args, "-p", tip)
	}
	return w.g.line(ctx, nil, args...)
}

// fetch brings the clone up to date and says where the remote's branch is; "" if
// there is none. With ErrDamaged the branch no longer holds what it held: what it
// held stays in the clone.
func (w *Git) fetch(ctx context.Context) (tip string, err error) {
	if _, err := os.Stat(filepath.Join(w.g.dir, "HEAD")); err != nil {
		if err := os.MkdirAll(w.g.dir, 0o700); err != nil {
			return "", err
		}
		if _, err := w.g.run(ctx, nil, "init", "--quiet", "--bare", "--template="); err != nil {
			return "", err
		}
	}
	seen, _ := w.g.line(ctx, nil, "rev-parse", "--quiet", "--verify", refSeen+"^{commit}") // fails where there is none
	list, err := w.g.run(ctx, nil, "ls-remote", "--heads", "--", w.remote, "refs/heads/"+w.branch)
	if err != nil {
		return "", err
	}
	if len(bytes.TrimSpace(list)) == 0 {
		if seen != "" {
			return "", errors.Join(w.lose(ctx, seen), fmt.Errorf("%w: the branch %s is gone from the remote", ErrDamaged, w.branch))
		}
		return "", nil
	}
	_, err = w.g.run(ctx, nil, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--",
		w.remote, "+refs/heads/"+w.branch+":"+refSeen)
	if err != nil {
		return "", err
	}
	tip, err = w.g.line(ctx, nil, "rev-parse", "--verify", refSeen+"^{commit}")
	if err != nil || seen == "" || seen == tip {
		return tip, err
	}
	if _, err := w.g.run(ctx, nil, "merge-base", "--is-ancestor", seen, tip); err != nil {
		return tip, errors.Join(w.lose(ctx, seen), fmt.Errorf("%w: the branch %s was rewritten: commit %.12s is no longer in it", ErrDamaged, w.branch, seen))
	}
	return tip, nil
}

// lose keeps in the clone what the remote no longer has.
func (w *Git) lose(ctx context.Context, commit string) error {
	_, err := w.g.run(ctx, nil, "update-ref", refLost+commit, commit)
	return err
}

// Anchors are all that any commit of the branch ever added.
func (w *Git) Anchors(ctx context.Context) ([]Anchor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fail := func(err error) ([]Anchor, error) { return nil, fmt.Errorf("read anchors: %w", err) }
	_, rewritten := w.fetch(ctx)
	if rewritten != nil && !errors.Is(rewritten, ErrDamaged) {
		return fail(rewritten)
	}
	if lost, err := w.g.run(ctx, nil, "for-each-ref", "--format=%(objectname)", refLost); err != nil {
		return fail(err)
	} else if len(lost) > 0 && rewritten == nil {
		rewritten = fmt.Errorf("%w: the branch %s was rewritten once", ErrDamaged, w.branch)
	}
	objects, err := w.g.run(ctx, nil, "rev-list", "--objects", "--all")
	if err != nil {
		return fail(err)
	}
	var names []string
	var wanted bytes.Buffer
	for line := range strings.Lines(string(objects)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok && strings.HasPrefix(name, "anchors/") && strings.HasSuffix(name, ".json") {
			names = append(names, name)
			wanted.WriteString(sum + "\n")
		}
	}
	bodies, err := w.g.run(ctx, wanted.Bytes(), "cat-file", "--batch")
	if err != nil {
		return fail(err)
	}
	texts, err := splitBatch(names, bodies)
	if err != nil {
		return fail(err)
	}
	all, err := parseAll(texts, w.trail, Anchor.Name)
	return all, errors.Join(rewritten, err)
}

// splitBatch takes apart what git cat-file --batch printed of the named objects.
func splitBatch(names []string, b []byte) ([]kept, error) {
	var texts []kept
	for _, name := range names {
		head, rest, _ := bytes.Cut(b, []byte("\n"))
		var sum, kind string
		var size int
		if _, err := fmt.Sscanf(string(head), "%s %s %d", &sum, &kind, &size); err != nil || size < 0 || size+1 > len(rest) {
			return nil, fmt.Errorf("git cat-file says %.80q of %s", head, name)
		}
		if kind == "blob" {
			texts = append(texts, kept{name, rest[:size]})
		}
		b = rest[size+1:]
	}
	return texts, nil
}
