package experiment

import (
	"os"
	"strconv"
	"strings"
)

// freeMemory returns how many bytes the system can still give; 0 where it does not say.
func freeMemory() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == "MemAvailable:" {
			kb, err := strconv.Atoi(words[1])
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}
