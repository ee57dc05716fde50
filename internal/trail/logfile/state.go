package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/trail"
)

const stateVersion = 1

// state is how far delivery is. It is replaced whole, and durable before what
// it announces is done: see doc.go.
type state struct {
	Version   int           `json:"version"`
	Trail     string        `json:"trail"`   // its ARN
	Started   time.Time     `json:"started"` // when the first digest's span starts
	Delivered uint64        `json:"delivered"`
	Waiting   []waitingFile `json:"waiting,omitempty"` // delivered, and not in a digest yet; in order
	Chain     *Reference    `json:"chain,omitempty"`   // the newest digest
	Backfill  *Reference    `json:"backfill,omitempty"`
	Log       *waitingFile  `json:"log,omitempty"`    // a log file that may be in the bucket or not
	Digest    *signed       `json:"digest,omitempty"` // a digest that may be
	Record    *note         `json:"record,omitempty"` // a digest whose PutDigest may be in the trail or not
	Newest    *Witnessed    `json:"newest,omitempty"` // what is told outside
	Told      bool          `json:"told,omitempty"`   // and was

	LatestDelivery       time.Time `json:"latestDelivery,omitzero"`
	LatestDigestDelivery time.Time `json:"latestDigestDelivery,omitzero"`
}

// waitingFile is a log file that no digest names yet.
type waitingFile struct {
	LogFile
	First uint64    `json:"first"` // of its events
	Last  uint64    `json:"last"`
	At    time.Time `json:"at"`  // when it was delivered, as its key says
	Due   time.Time `json:"due"` // end of the span whose digest is to name it
}

// signed is a digest ready to be put.
type signed struct {
	Reference
	Text      string    `json:"text"`
	Generated time.Time `json:"generated,omitzero"` // of the backfill chain: when
	LogFiles  int       `json:"logFiles"`
	Events    uint64    `json:"events"`
	Key       PublicKey `json:"key"`
}

// note is what PutDigest says beside the digest itself.
type note struct {
	Reference
	LogFiles  int        `json:"logFiles"`
	Events    uint64     `json:"events"`
	Delivered uint64     `json:"delivered"`
	Head      trail.Head `json:"head"`
	Generated time.Time  `json:"generated,omitzero"`
}

func (s *state) clone() *state {
	c := *s
	c.Waiting = slices.Clone(s.Waiting)
	return &c
}

// encode is the state's file: a line of JSON, and one with its SHA-256.
func (s *state) encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return []byte(string(b) + "\n" + hexHash(b) + "\n"), nil
}

var errState = errors.New("the delivery's state is damaged")

func parseState(b []byte) (*state, error) {
	text, sum, ok := bytes.Cut(b, []byte("\n"))
	if !ok || string(sum) != hexHash(text)+"\n" {
		return nil, fmt.Errorf("%w: its checksum does not match", errState)
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", errState, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("version %d is not %d, which this release reads", s.Version, stateVersion)
	}
	return &s, nil
}

// store keeps the state. A file in production.
type store interface {
	load() ([]byte, error) // fs.ErrNotExist when there is none
	save([]byte) error     // whole and durable or not at all
}

const stateFile = "delivery.json"

// fileStore keeps it in a directory.
type fileStore struct{ dir string }

func (f fileStore) load() ([]byte, error) { return os.ReadFile(filepath.Join(f.dir, stateFile)) }

func (f fileStore) save(b []byte) error {
	path := filepath.Join(f.dir, stateFile)
	temp, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = temp.Write(b)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readState reads the state in a directory; nil without an error when there is
// none.
func readState(s store) (*state, error) {
	b, err := s.load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the delivery's state: %w", err)
	}
	st, err := parseState(b)
	if err != nil {
		return nil, fmt.Errorf("read the delivery's state: %w", err)
	}
	return st, nil
}
