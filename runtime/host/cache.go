package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/installed"
	"snnc.dev/snnc/runtime/record/wholefile"
)

// maxKept is how many descriptions are kept, the newest ones.
const maxKept = 100

// limits are those of a plugin's folder whose description is kept; reading a larger one takes longer than asking the plugin.
var limits = installed.Limits{Files: 10_000, Bytes: 256 << 20}

// key returns the name under which the plugin's description is kept: a hash of its command and the content of its files, and
// of the version of the protocol. It is "" where these cannot be read or are too many.
func (s *served) key() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "protocol %d\n%d\n", proto.Version, len(s.argv))
	for _, word := range s.argv {
		fmt.Fprintf(sum, "%q\n", word)
	}
	var err error
	if s.dir == "" {
		_, err = installed.HashFile(sum, s.argv[0], limits.Bytes)
	} else {
		err = installed.Hash(sum, s.dir, limits)
	}
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// A kept description is a line with the hash of what follows, and the plugin's reply.
const keptHeading = "snnc description 1 sha256 "

// recall returns a description that is kept, and its text; an entry that is torn, or makes no sense any more, is none.
func (h *Host) recall(s *served, key string) (p schema.Plugin, body string, ok bool) {
	if key == "" {
		return p, "", false
	}
	text, err := os.ReadFile(h.kept(key))
	if err != nil {
		return p, "", false
	}
	head, body, _ := strings.Cut(string(text), "\n")
	if head != heading(body) {
		return p, "", false
	}
	p, err = judgePlugin(body, s.manifest)
	return p, body, err == nil
}

// remember keeps a description, unless the plugin's files changed since key was taken. A folder that cannot be written keeps
// nothing, and the next call asks the plugin.
func (h *Host) remember(s *served, key, body string) {
	if key == "" || s.key() != key {
		return
	}
	if wholefile.WriteBytes(h.kept(key), []byte(heading(body)+"\n"+body)) != nil {
		return
	}
	old, _ := filepath.Glob(h.kept("*"))
	if len(old) <= maxKept {
		return
	}
	written := func(path string) (t time.Time) {
		if st, err := os.Stat(path); err == nil {
			t = st.ModTime()
		}
		return t
	}
	slices.SortFunc(old, func(a, b string) int { return written(a).Compare(written(b)) })
	for _, path := range old[:len(old)-maxKept] {
		os.Remove(path)
	}
}

func (h *Host) kept(key string) string { return filepath.Join(h.o.Cache, key+".json") }

func heading(body string) string {
	sum := sha256.Sum256([]byte(body))
	return keptHeading + hex.EncodeToString(sum[:])
}
