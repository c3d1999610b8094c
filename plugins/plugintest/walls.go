package plugintest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
)

// attempts are what the processes of a plugin try against their walls, in all calls of a test. That a call fails tells little: the plugin
// may hide it, and go on.
type attempts struct {
	mu      sync.Mutex
	files   []string
	network []string
	unread  bool // a path could not be read, so that it is not known whether it is one that may be written
}

// add notes an attempt, once.
//
// Two kinds are harmless, before the handshake. To find out whether ports can be shared gRPC's C library, of which the Python package is
// made, makes sockets that it connects to nobody, as bare streams; Python's own sockets, and those of Go, are never bare. And bash, in which
// what chooses a version of Python is written, asks as it starts whether it has a terminal, by opening that for reading and writing.
func (a *attempts) add(x host.Attempt) {
	if x.Early && x.Bare && (x.Of == "AF_INET" || x.Of == "AF_INET6") {
		return
	}
	if x.Early && x.Of == "/dev/tty" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	to := &a.files
	switch {
	case x.Network:
		to = &a.network
	case x.Of == "":
		a.unread = true
		return
	}
	if text := x.String(); !slices.Contains(*to, text) {
		*to = append(*to, text)
	}
}

// any reports whether there is one.
func (a *attempts) any() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.files)+len(a.network) > 0
}

// watch decides whether the plugin is watched.
func (s *suite) watch() {
	if s.o.Confine == "" {
		s.unwatched = errors.New("the plugin is not confined")
	} else {
		s.unwatched = confine.Watchable()
	}
}

// blind reports whether an error of a call is that the process could not be watched, and watches no more.
func (s *suite) blind(err error) bool {
	var f *host.Failure
	if s.unwatched != nil || !errors.As(err, &f) || f.Kind != host.Start {
		return false
	}
	for _, line := range f.Stderr {
		if _, why, ok := strings.Cut(line, "be watched: "); ok {
			s.unwatched = errors.New(why)
			return true
		}
	}
	return false
}

// walls puts the verdicts of what was tried behind those of the plugin as a whole: they are the cause of what fails for them.
func (s *suite) walls() {
	all := s.report.Verdicts
	n := slices.IndexFunc(all, func(v Verdict) bool { return v.Component != "" })
	if n < 0 {
		n = len(all)
	}
	s.report.Verdicts = slices.Clone(all[:n])
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	for _, x := range []struct {
		name  Name
		tried []string
		mend  string
	}{
		{Files, s.attempts.files, "write temporary files only, in the folder that $TMPDIR names: nothing else can be written where the plugin is used"},
		{Network, s.attempts.network, "ship what the plugin needs in its folder: there is no network where it is used, and it serves on its one socket"},
	} {
		switch {
		case len(x.tried) > 0:
			const most = 5
			said := strings.Join(x.tried[:min(most, len(x.tried))], ", ")
			if more := len(x.tried) - most; more > 0 {
				said += fmt.Sprintf(" and %d more", more)
			}
			s.say("", x.name, Failed, "it tries what it must not: "+said, x.mend)
		case s.unwatched == nil && x.name == Files && s.attempts.unread:
			s.say("", x.name, Untested, "not known: the system does not let the process's memory be read, in which paths are", "")
		case s.unwatched != nil:
			s.say("", x.name, Untested, "not watched: "+s.unwatched.Error(), "")
		default:
			s.say("", x.name, Passed, "", "")
		}
	}
	s.report.Verdicts = append(s.report.Verdicts, all[n:]...)
}
