//go:build !unix

package check_test

import "time"

var begun = time.Now()

// processorTime is the time since the tests began: that of the processor is not asked for here.
func processorTime() time.Duration { return time.Since(begun) }
