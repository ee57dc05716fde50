package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/suggest"
)

// anchors reads anchors: [{url: URL, secret_file: FILE}].
func (l *loader) anchors(n *yaml.Node) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.fail(n, "anchors: want a list of places, such as [{url: file:///mnt/anchors}]")
		return
	}
	for i, item := range n.Content {
		name := fmt.Sprintf("anchors[%d]", i)
		if item.Kind != yaml.MappingNode {
			l.fail(item, "%s: want {url: URL, secret_file: FILE}", name)
			continue
		}
		var a Anchor
		for j := 0; j+1 < len(item.Content); j += 2 {
			k, v := item.Content[j], item.Content[j+1]
			switch {
			case v.Kind != yaml.ScalarNode || isNull(v):
				l.fail(v, "%s.%s: want one value", name, k.Value)
			case k.Value == "url":
				a.URL = v.Value
			case k.Value == "secret_file":
				a.SecretFile = v.Value
			default:
				l.fail(k, "unknown setting %q of an anchor%s", k.Value, suggest.DidYouMean(k.Value, []string{"url", "secret_file"}))
			}
		}
		switch err := a.Check(); {
		case a.URL == "":
			l.fail(item, "%s needs url", name)
		case err != nil:
			l.fail(item, "%s: %v", name, err)
		case slices.ContainsFunc(l.c.Anchors, func(b Anchor) bool { return a.URL == b.URL }):
			l.fail(item, "%s: %s is there twice", name, a.URL)
		}
		l.c.Anchors = append(l.c.Anchors, a)
		l.origins[name] = fmt.Sprintf("%s:%d", l.file, item.Line)
	}
}
