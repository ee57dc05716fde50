package logfile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// tampered is a trail that has lived, and what somebody may reach of it.
type tampered struct {
	*world
	logs, chain, backfills []string // keys
	mid                    int      // a digest in the middle of chain that names log files
}

// tamper runs fn with a trail of two days, an outage in them.
func tamper(t *testing.T, fn func(t *testing.T, w *tampered)) {
	bubble(t, func(t *testing.T, w *world) {
		day(w)
		day(w)
		w.run(func(d *Deliverer) {
			for range 5 {
				w.journal.command("one more")
				pass(40 * time.Minute)
			}
			w.journal.command("the last")
			if err := d.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		w.intact()
		x := &tampered{world: w, logs: w.keys(testLayout.LogPrefix())}
		for _, k := range w.keys(testLayout.DigestPrefix()) {
			if isBackfill(k) {
				x.backfills = append(x.backfills, k)
			} else {
				x.chain = append(x.chain, k)
			}
		}
		if len(x.logs) < 10 || len(x.chain) < 7 || len(x.backfills) < 2 {
			t.Fatalf("a poor trail: %d log files, %d digests, %d backfilled", len(x.logs), len(x.chain), len(x.backfills))
		}
		chain, _ := w.digests()
		for x.mid = 2; len(chain[x.mid].LogFiles) == 0; x.mid++ {
		}
		fn(t, x)
	})
}

func (x *tampered) put(key string, body []byte, meta map[string]string) {
	x.t.Helper()
	if err := x.bucket.Put(x.t.Context(), key, body, meta); err != nil {
		x.t.Fatal(err)
	}
}

func (x *tampered) delete(keys ...string) {
	for _, k := range keys {
		x.bucket.Delete(x.t.Context(), k)
	}
}

// retext puts another text into an object, as somebody careful would.
func (x *tampered) retext(key string, change func([]byte) []byte) {
	_, meta := x.get(key)
	body := Pack(change(x.text(key)))
	if meta[metaObject] != "" {
		meta[metaObject] = hexHash(body)
	}
	x.put(key, body, meta)
}

func (x *tampered) remeta(key, name, value string) {
	body, meta := x.get(key)
	meta[name] = value
	if value == "" {
		delete(meta, name)
	}
	x.put(key, body, meta)
}

// append puts bytes behind an object's.
func (x *tampered) append(key string, more []byte) {
	body, meta := x.get(key)
	body = append(body, more...)
	meta[metaObject] = hexHash(body)
	x.put(key, body, meta)
}

// resign signs a digest again, with any key.
func (x *tampered) resign(key, fingerprint string, change func(*Digest)) {
	x.t.Helper()
	_, meta := x.get(key)
	d, err := ParseDigest(x.text(key))
	if err != nil {
		x.t.Fatal(err)
	}
	d.Fingerprint = fingerprint
	change(&d)
	text, _ := d.Encode()
	signature, err := x.signer.Sign(fingerprint, d.StringToSign(text))
	if err != nil {
		x.t.Fatal(err)
	}
	body := Pack(text)
	meta[MetaSignature], meta[metaObject] = hex.EncodeToString(signature), hexHash(body)
	x.put(key, body, meta)
}

// swapped replaces one letter in a text.
func swapped(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
}

// TestVerifyFindsAndLocates: the changes that AWS's own validator finds, those
// that it misses, and more. The object named is the one that was changed.
func TestVerifyFindsAndLocates(t *testing.T) {
	rows := []struct {
		name   string
		change func(x *tampered) (object string)
		says   string
	}{
		{"log content changed", func(x *tampered) string {
			x.retext(x.logs[1], swapped("a burst", "a curst"))
			return x.logs[1]
		}, "hash value doesn't match"},
		{"log deleted", func(x *tampered) string { x.delete(x.logs[2]); return x.logs[2] }, "not found"},
		{"log replaced by garbage", func(x *tampered) string {
			x.put(x.logs[2], []byte("garbage"), nil)
			return x.logs[2]
		}, "invalid format"},
		{"second gzip member behind a log", func(x *tampered) string {
			x.append(x.logs[1], Pack([]byte(`{"Records":[]}`)))
			return x.logs[1]
		}, "unexpected data after end of compressed stream"},
		{"bytes behind a log", func(x *tampered) string { x.append(x.logs[1], []byte{0}); return x.logs[1] }, "unexpected data after end"},
		{"a record taken out of a log and its digest", func(x *tampered) string {
			x.retext(x.logs[1], func(b []byte) []byte {
				records, _ := Split(b)
				return Encode(rawRecords(records[1:]))
			})
			return x.logs[1]
		}, "hash value doesn't match"},
		{"records exchanged", func(x *tampered) string {
			x.retext(x.logs[1], func(b []byte) []byte {
				records, _ := Split(b)
				records[0], records[1] = records[1], records[0]
				return Encode(rawRecords(records))
			})
			return x.logs[1]
		}, "hash value doesn't match"},
		{"logs exchanged", func(x *tampered) string {
			a, am := x.get(x.logs[1])
			b, bm := x.get(x.logs[2])
			x.put(x.logs[1], b, bm)
			x.put(x.logs[2], a, am)
			return x.logs[1]
		}, "hash value doesn't match"},
		{"a log put in", func(x *tampered) string {
			body, meta := x.get(x.logs[1])
			k, _ := ParseKey(x.logs[1])
			key := testLayout.LogKey(k.Time, newUnique())
			x.put(key, body, meta)
			return key
		}, "no digest names it"},
		{"a log put in that is the newest", func(x *tampered) string {
			body, meta := x.get(x.logs[1])
			key := testLayout.LogKey(time.Now(), newUnique())
			x.put(key, body, meta)
			return key
		}, "the delivery does not know it"},
		{"something put beside the logs", func(x *tampered) string {
			x.put(testLayout.LogPrefix()+"2000/01/01/notes.txt", []byte("x"), nil)
			return testLayout.LogPrefix() + "2000/01/01/notes.txt"
		}, "not the name of a log file"},
		{"something put beside the digests", func(x *tampered) string {
			x.put(testLayout.DigestPrefix()+"x", []byte("x"), nil)
			return testLayout.DigestPrefix() + "x"
		}, "not the name of a digest"},
		{"a log's metadata says other events", func(x *tampered) string { x.remeta(x.logs[1], metaFirst, "1"); return x.logs[1] }, "its metadata says events"},
		{"a log's metadata is gone", func(x *tampered) string {
			body, _ := x.get(x.logs[1])
			x.put(x.logs[1], body, nil)
			return x.logs[1]
		}, "metadata"},
		{"a log packed in another way", func(x *tampered) string {
			body, meta := x.get(x.logs[1])
			body[9] ^= 1 // the operating system in gzip's header
			x.put(x.logs[1], body, meta)
			return x.logs[1]
		}, "its bytes are not those that were put"},
		{"the waiting log changed", func(x *tampered) string {
			last := x.logs[len(x.logs)-1]
			x.retext(last, swapped("the last", "the lost"))
			return last
		}, "hash value doesn't match what was delivered"},
		{"the waiting log deleted", func(x *tampered) string {
			last := x.logs[len(x.logs)-1]
			x.delete(last)
			return last
		}, "waits for its digest"},

		{"digest changed", func(x *tampered) string {
			x.retext(x.chain[x.mid], swapped(`"logFiles":[{`, `"logFiles":[ {`))
			return x.chain[x.mid]
		}, "signature verification failed"},
		{"signature changed", func(x *tampered) string {
			x.remeta(x.chain[x.mid], MetaSignature, strings.Repeat("0", 256))
			return x.chain[x.mid]
		}, "signature verification failed"},
		{"signature missing", func(x *tampered) string { x.remeta(x.chain[x.mid], MetaSignature, ""); return x.chain[x.mid] }, "signature verification failed"},
		{"algorithm changed", func(x *tampered) string { x.remeta(x.chain[x.mid], MetaAlgorithm, "none"); return x.chain[x.mid] }, "it says that it is signed with"},
		{"all metadata of a digest gone", func(x *tampered) string {
			body, _ := x.get(x.chain[x.mid])
			x.put(x.chain[x.mid], body, nil)
			return x.chain[x.mid]
		}, "signature verification failed"},
		{"digest copied to another key", func(x *tampered) string {
			body, meta := x.get(x.chain[x.mid])
			k, _ := ParseKey(x.chain[x.mid])
			key := testLayout.DigestKey(k.Time.Add(10*time.Minute), false)
			x.put(key, body, meta)
			return key
		}, "has been moved from its original location"},
		{"digest replaced by another", func(x *tampered) string {
			body, meta := x.get(x.chain[x.mid+1])
			x.put(x.chain[x.mid], body, meta)
			return x.chain[x.mid]
		}, "has been moved from its original location"},
		{"digest replaced by garbage", func(x *tampered) string {
			x.put(x.chain[x.mid], []byte("garbage"), nil)
			return x.chain[x.mid]
		}, "invalid format"},
		{"bytes behind a digest", func(x *tampered) string { x.append(x.chain[x.mid], []byte("x")); return x.chain[x.mid] }, "unexpected data after end"},
		{"a middle digest deleted", func(x *tampered) string { x.delete(x.chain[x.mid]); return x.chain[x.mid] }, "not found"},
		{"two neighbouring digests deleted", func(x *tampered) string {
			x.delete(x.chain[x.mid], x.chain[x.mid+1])
			return x.chain[x.mid+1]
		}, "not found"},
		{"the newest digest deleted", func(x *tampered) string {
			last := x.chain[len(x.chain)-1]
			x.delete(last)
			return last
		}, "not found"},
		{"the three newest digests deleted", func(x *tampered) string {
			x.delete(x.chain[len(x.chain)-3:]...)
			return x.chain[len(x.chain)-2]
		}, "not found"},
		{"the oldest digest deleted", func(x *tampered) string { x.delete(x.chain[0]); return x.chain[0] }, "not found"},
		{"a backfill digest deleted", func(x *tampered) string { x.delete(x.backfills[0]); return x.backfills[0] }, "not found"},
		{"all backfill digests deleted", func(x *tampered) string {
			x.delete(x.backfills...)
			return x.backfills[len(x.backfills)-1]
		}, "not found"},
		{"a backfill digest made at another time", func(x *tampered) string {
			x.remeta(x.backfills[0], MetaBackfill, "2000-01-01T04:15:01.000Z")
			return x.backfills[0]
		}, "made at another time"},
		{"all digests deleted", func(x *tampered) string {
			x.delete(slices.Concat(x.chain, x.backfills)...)
			return x.chain[0]
		}, "not found"},
		{"everything deleted", func(x *tampered) string { x.delete(x.bucket.Keys()...); return x.chain[0] }, "not found"},
		{"a digest signed again by a key of ours, a log left out", func(x *tampered) string {
			x.resign(x.chain[x.mid], x.signer.keys[0].Fingerprint, func(d *Digest) { d.LogFiles = d.LogFiles[1:] })
			return x.chain[x.mid]
		}, "hash value doesn't match"},
		{"the newest digest signed again by a key of ours", func(x *tampered) string {
			last := x.chain[len(x.chain)-1]
			x.resign(last, x.signer.keys[0].Fingerprint, func(d *Digest) { d.LogFiles = nil })
			return last
		}, "it is not the digest that"},
		{"a digest signed by a stranger's key", func(x *tampered) string {
			x.signer.add(testKeys()[1], farAhead)
			strange := x.signer.keys[1].Fingerprint
			x.signer.keys = x.signer.keys[:1]
			x.resign(x.chain[x.mid], strange, func(*Digest) {})
			return x.chain[x.mid]
		}, "public key not found"},
		{"a digest signed by a key before its time", func(x *tampered) string {
			x.signer.add(testKeys()[1], time.Now())
			x.resign(x.chain[x.mid], x.signer.keys[1].Fingerprint, func(*Digest) {})
			return x.chain[x.mid]
		}, "not at"},
		{"a chain that starts anew", func(x *tampered) string {
			x.resign(x.chain[x.mid], x.signer.keys[0].Fingerprint, func(d *Digest) {
				d.PreviousBucket, d.PreviousObject, d.PreviousHash, d.PreviousHashAlgorithm, d.PreviousSignature = nil, nil, nil, nil, nil
			})
			return x.chain[x.mid]
		}, "starts a chain anew"},
		{"a hole between two digests", func(x *tampered) string {
			x.resign(x.chain[x.mid], x.signer.keys[0].Fingerprint, func(d *Digest) {
				start, _ := d.Span()
				d.Start = start.Add(time.Second).Format(timeLayout)
			})
			return x.chain[x.mid]
		}, "no digest covers"},
		{"the state put back", func(x *tampered) string {
			st := x.state()
			st.Chain = &Reference{Bucket: "tgbucket", Object: x.chain[x.mid+1], Hash: hexHash(x.text(x.chain[x.mid+1]))}
			_, meta := x.get(x.chain[x.mid+1])
			st.Chain.Signature = meta[MetaSignature]
			x.store.b, _ = st.encode()
			return x.chain[len(x.chain)-1]
		}, "newer than the newest that the delivery knows of"},
		{"the state changed", func(x *tampered) string { x.store.b[20] ^= 1; return stateFile }, "checksum"},
		{"the state deleted", func(x *tampered) string { x.store.b = nil; return stateFile }, "is missing"},

		{"an event of the journal changed", func(x *tampered) string {
			e := &x.journal.entries[3]
			i := slices.IndexFunc(x.logs, func(k string) bool { return bytes.Contains(x.text(k), e.JSON) })
			e.JSON = bytes.Replace(e.JSON, []byte("a burst"), []byte("a curst"), 1)
			return x.logs[i]
		}, "the record is not the journal's"},
		{"the journal put back", func(x *tampered) string {
			x.journal.entries = x.journal.entries[:len(x.journal.entries)-3]
			return "journal"
		}, "were delivered"},
	}
	tamper(t, func(t *testing.T, x *tampered) {
		restore := x.save()
		for _, row := range rows {
			restore()
			object := row.change(x)
			r := x.verify()
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Object == object && strings.Contains(f.Problem, row.says) }) {
				t.Errorf("%s: no finding says %q of %s:", row.name, row.says, object)
				for _, f := range r.Findings {
					t.Log(f)
				}
			}
		}
	})
}

// save returns what makes everything again what it is now.
func (x *tampered) save() (restore func()) {
	whole, state, entries, keys := x.bucket.Snapshot(), x.store.b, slices.Clone(x.journal.entries), slices.Clone(x.signer.keys)
	return func() {
		x.bucket.Restore(whole)
		x.store.b, x.journal.entries, x.signer.keys = slices.Clone(state), slices.Clone(entries), slices.Clone(keys)
	}
}

// TestAWitnessKnowsOfATailCut: with nothing but the bucket, only somebody
// outside does.
func TestAWitnessKnowsOfATailCut(t *testing.T) {
	tamper(t, func(t *testing.T, x *tampered) {
		last := x.chain[len(x.chain)-1]
		body, meta := x.get(last)
		hash := hexHash(x.text(last))
		outside := func(o *VerifyOptions) {
			o.store, o.Journal, o.Every = nil, nil, 0
			o.Witnesses = []Witness{{Source: "git", Witnessed: Witnessed{Time: time.Now(), Digest: Reference{
				Bucket: "tgbucket", Object: last, Hash: hash, Signature: meta[MetaSignature]}}}}
		}
		if r := x.verify(outside); !r.Intact {
			t.Fatalf("found %v", r.Findings)
		}
		x.delete(last)
		if r := x.verify(outside, func(o *VerifyOptions) { o.Witnesses = nil }); !r.Intact {
			t.Errorf("without a witness a cut tail shows: %v", r.Findings)
		}
		r := x.verify(outside)
		if len(r.Findings) != 1 || r.Findings[0].Object != last || !strings.Contains(r.Findings[0].Problem, "git was told of it") {
			t.Errorf("found %v, want that the digest is missing", r.Findings)
		}
		x.put(last, body, map[string]string{MetaSignature: "00"})
		if r := x.verify(outside); r.Intact {
			t.Error("another digest in its place is not found")
		}
	})
}

// TestVerifyOfARange: digests that end in it, and what they name.
func TestVerifyOfARange(t *testing.T) {
	tamper(t, func(t *testing.T, x *tampered) {
		k, _ := ParseKey(x.chain[x.mid])
		ranged := func(o *VerifyOptions) { o.From, o.To = k.Time, k.Time.Add(2*time.Hour) }
		r := x.verify(ranged)
		if !r.Intact || r.Digests < 2 || r.Digests == len(x.chain) {
			t.Errorf("report = %+v", r)
		}
		x.retext(x.chain[0], swapped(`"logFiles":[{`, `"logFiles":[ {`))
		if r := x.verify(ranged); !r.Intact {
			t.Errorf("what is outside of the range is found: %v", r.Findings)
		}
		x.retext(x.chain[x.mid], swapped(`"logFiles":[`, `"logFiles":[ `))
		if r := x.verify(ranged); r.Intact {
			t.Error("what is in the range is not found")
		}
	})
}

// TestEveryRandomChangeIsFound: any byte of any object, and any object.
func TestEveryRandomChangeIsFound(t *testing.T) {
	tamper(t, func(t *testing.T, x *tampered) {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		whole, keys := x.bucket.Snapshot(), x.bucket.Keys()
		for i := range 150 {
			x.bucket.Restore(whole)
			key := keys[r.IntN(len(keys))]
			body, meta := x.get(key)
			what := r.IntN(5)
			switch what {
			case 0: // a bit
				body[r.IntN(len(body))] ^= 1 << r.IntN(8)
				x.put(key, body, meta)
			case 1: // a cut
				x.put(key, body[:r.IntN(len(body))], meta)
			case 2: // more
				x.put(key, append(body, byte(r.IntN(256))), meta)
			case 3:
				x.delete(key)
			case 4: // metadata
				names := slices.Sorted(maps.Keys(meta))
				name := names[r.IntN(len(names))]
				value := []byte(meta[name])
				value[r.IntN(len(value))] ^= 1
				x.remeta(key, name, string(value))
			}
			report := x.verify()
			if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Object == key }) {
				t.Errorf("seed %d, change %d (%d) of %s: found %v", seed, i, what, key, report.Findings)
			}
		}
	})
}

func rawRecords(records []json.RawMessage) [][]byte {
	var raw [][]byte
	for _, r := range records {
		raw = append(raw, r)
	}
	return raw
}
