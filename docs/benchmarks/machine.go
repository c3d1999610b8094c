package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	idleShare = 0.06 // of all cores, below which a machine counts as idle
	tick      = 100  // units of /proc/stat per second of a core: USER_HZ, which is 100 on every Linux that Go runs on
)

// processor returns the model name of the first core.
func processor() (string, error) {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "", fmt.Errorf("read the processor: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value), nil
		}
	}
	return runtime.GOARCH, lines.Err()
}

// coreSeconds returns for how long the cores of the machine have worked since it started, for any process or for another
// machine that shares them (steal), in seconds of one core.
func coreSeconds() (float64, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's use: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return parseUse(line)
}

// parseUse reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
func parseUse(line string) (float64, error) {
	words := strings.Fields(line)
	if len(words) < 9 || words[0] != "cpu" {
		return 0, fmt.Errorf("read the machine's use: %q is not the line of all cores", line)
	}
	sum := 0.0
	for i, word := range words[1:9] {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return 0, fmt.Errorf("read the machine's use: %w", err)
		}
		if i != 3 && i != 4 { // idle, iowait
			sum += n
		}
	}
	return sum / tick, nil
}

// awaitIdle returns once the cores were idle for a second, or after the limit.
func awaitIdle(ctx context.Context, cores int, limit time.Duration) error {
	for start := time.Now(); time.Since(start) < limit; {
		before, err := coreSeconds()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		after, err := coreSeconds()
		if err != nil {
			return err
		}
		if (after-before)/float64(cores) < idleShare {
			return nil
		}
	}
	return nil
}
