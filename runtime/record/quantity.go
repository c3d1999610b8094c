package record

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// Amount writes how much of a thing is used, as 736 of 131,072 neurons.
func Amount(a schema.Amount) string {
	if a.Limit > 0 {
		return Quantity(a.Used) + " of " + Quantity(a.Limit) + " " + a.Name
	}
	return Quantity(a.Used) + " " + a.Name
}

// Amounts writes a list of amounts in one line.
func Amounts(list []schema.Amount) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = Amount(a)
	}
	return strings.Join(out, ", ")
}

// Quantity writes whole numbers whole, with their thousands apart, and others with four digits that count.
func Quantity(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return Grouped(int(v))
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// measure writes a constant with a prefix of its unit.
func measure(v float64, unit string) string {
	if unit == "" || unit == "1" {
		return Quantity(v)
	}
	base, over, per := strings.Cut(unit, "/")
	if per {
		over = "/" + over
	}
	if base == "1" {
		if v >= 1e6 {
			return Quantity(v) + " " + over[1:] + "⁻¹"
		}
		return number(v) + " " + over[1:] + "⁻¹"
	}
	for prefix, of := range map[string]float64{"": 1, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "k": 1e3, "M": 1e6} {
		if rest, is := strings.CutPrefix(base, prefix); is && slices.Contains([]string{"J", "W", "s", "V", "A", "Hz"}, rest) {
			return si(v*of, rest+over)
		}
	}
	return number(v) + " " + unit
}

// si writes a quantity with three digits and a prefix of its unit.
func si(v float64, unit string) string {
	prefixes := []struct {
		of   float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "µ"}, {1e-9, "n"}, {1e-12, "p"}, {1e-15, "f"}}
	if v == 0 {
		return "0 " + unit
	}
	for _, p := range prefixes {
		if a := math.Abs(v) / p.of; a >= 0.9995 && a < 9.995e5 {
			digits := 2 - max(0, int(math.Floor(math.Log10(a*1.0005))))
			text := strconv.FormatFloat(v/p.of, 'f', max(0, digits), 64)
			if strings.Contains(text, ".") {
				text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
			}
			return text + " " + p.name + unit
		}
	}
	return scientific(v, 2) + " " + unit
}

// span writes an interval, from 0 as its upper end.
func span(low, high float64, unit string) string {
	switch l, h := si(low, unit), si(high, unit); {
	case l == h:
		return h
	case low <= 0:
		return "≤ " + h
	default:
		a, prefix, _ := strings.Cut(l, " ")
		if _, p, _ := strings.Cut(h, " "); p == prefix {
			return a + " to " + h
		}
		return l + " to " + h
	}
}

// ratio writes how much more one thing is than another. A high of 0 is no bound.
func ratio(low, high float64) string {
	l, h := number(low), number(high)
	switch {
	case l == h:
		return l + " ×"
	case high == 0:
		return "≥ " + l + " ×"
	default:
		return l + " to " + h + " ×"
	}
}

// between writes an interval; "" of none.
func between(i Interval) string {
	if i == (Interval{}) {
		return ""
	}
	return number(i.Low) + " to " + number(i.High)
}

// mean writes the mean of a list; "" of none.
func mean(list []float64) string {
	if len(list) == 0 {
		return ""
	}
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return number(sum / float64(len(list)))
}

// round keeps four digits of what is no whole number.
func round(v float64) float64 {
	if math.Abs(v) >= 1000 {
		return math.Round(v)
	}
	return v
}
