//go:build !unix

package bench

import "time"

// processorTime is 0: the system is not asked.
func processorTime() time.Duration { return 0 }

// peak is 0: the system is not asked.
func peak() int { return 0 }
