package bench

import (
	"os"
	"runtime"
	"strings"
)

// processor returns what the system calls the processor; where it does not say, its architecture.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo") // of Linux
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
