package diag

import (
	"slices"
	"strings"
)

// Nearest returns the known name that a user who wrote name may have meant: name itself where it is known, else the one
// that differs by the case of letters alone, else the one, the first of equals, that the fewest changes of a letter make of
// it, a swap of neighbours being one and the case counting for nothing. Where that would be more than a third of the letters it
// is the one of which name, of at least three letters, is the beginning, or else the longest, of at least three letters, that is the
// beginning of name; "" where there is none, or several of the first.
func Nearest(name string, known []string) string {
	if slices.Contains(known, name) {
		return name
	}
	best, least := "", (len(name)+1)/3+1
	lower := strings.ToLower(name)
	for _, k := range known {
		if d := distance(lower, strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	if best != "" || len(name) < 3 {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(strings.ToLower(k), lower) {
			if best != "" {
				return ""
			}
			best = k
		}
	}
	if best != "" {
		return best
	}
	for _, k := range known {
		if len(k) >= 3 && len(k) > len(best) && strings.HasPrefix(lower, strings.ToLower(k)) {
			best = k
		}
	}
	return best
}

// distance is the edit distance of a and b, counting swaps of neighbours as one (optimal string alignment), at most limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return min(last[len(b)], limit)
}
