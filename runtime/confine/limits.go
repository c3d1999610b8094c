package confine

import (
	"fmt"
	"regexp"
)

// The limits besides memory. A process that keeps to its work is far from them.
const (
	maxOpen    = 1024    // files
	maxFile    = 4 << 30 // bytes of one file that it writes
	maxThreads = 4096    // of it and all that it starts
)

// What processes say that have run into a limit: the system's words (strerror(3)) and those of runtimes, C++, Go, Java, JavaScript, numpy, Python
// and Rust among them.
var (
	saysMemory  = regexp.MustCompile(`(?i)out of memory|(cannot|failed to|unable to) allocate|memory allocation of \d+ bytes failed|not enough memory|MemoryError|bad_alloc|OutOfMemoryError`)
	saysFile    = regexp.MustCompile(`(?i)file too large|file size limit|SIGXFSZ|EFBIG`)
	saysOpen    = regexp.MustCompile(`(?i)too many open files|EMFILE`)
	saysThreads = regexp.MustCompile(`(?i)can't start new thread|failed to create new OS thread|unable to create (new )?native thread|(fork|thread|spawn).*resource temporarily unavailable`)
)

// Hint says which limit a confined process has run into, by what it said and how it ended; "" where neither shows one.
func (p Policy) Hint(said, exit string) string {
	switch {
	case p.Alone && saysThreads.MatchString(said): // before memory, of which Java takes it for a lack
		return fmt.Sprintf("a confined process has at most %d threads, with those of all that it starts", maxThreads)
	case p.Memory > 0 && saysMemory.MatchString(said):
		return fmt.Sprintf("a confined process has at most %.1f GB of private memory here", float64(p.Memory)/1e9)
	case saysFile.MatchString(said):
		return fmt.Sprintf("a confined process writes files of at most %d GB", maxFile>>30)
	case saysOpen.MatchString(said):
		return fmt.Sprintf("a confined process has at most %d open files", maxOpen)
	case exit == "signal: killed":
		return "somebody ended it, or the system did: of a machine that runs out of memory plugins are the first to be ended"
	}
	return ""
}
