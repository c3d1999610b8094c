package metric

import "snnc.dev/snnc/plugins/schema"

// Need is how many images a metric takes at the least, for its figures to be there at all.
type Need struct {
	Samples, Reference int
	By                 string // the argument that says so; "" where it is the metric itself
}

// Needs returns what a metric of Schemas needs with its arguments, which are checked. A metric that takes no samples needs none.
func Needs(v schema.Value) Need {
	switch v.Text {
	case "frechet", FID: // of one vector there is no covariance
		return Need{Samples: 2, Reference: 2}
	case "kid": // nor a pair of different ones
		n := 2
		if v.Args.Has("subset") {
			return Need{Samples: max(n, v.Args.Int("subset")), Reference: max(n, v.Args.Int("subset")), By: "subset"}
		}
		return Need{Samples: n, Reference: n}
	case "precision_recall", "density_coverage": // a vector is not its own neighbour
		n := v.Args.Int("neighbours") + 1
		return Need{Samples: n, Reference: n, By: "neighbours"}
	case "inception_score":
		return Need{Samples: 2 * v.Args.Int("splits"), By: "splits"}
	}
	return Need{}
}
