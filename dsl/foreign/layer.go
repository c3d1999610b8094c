package foreign

import (
	"cmp"
	"fmt"
	"strings"
)

// Layer says how a layer or function that other libraries know by a name is written here; "" for other names.
func Layer(name string) string {
	plain := strings.NewReplacer("_", "", "1d", "", "2d", "", "3d", "").Replace(strings.ToLower(name))
	switch plain {
	case "adaptiveavgpool", "globalavgpool", "globalaveragepooling", "globalaveragepool", "gap":
		return "write `avgpool(N)`, where N is the height of what flows in: the mean of each channel"
	case "adaptivemaxpool", "globalmaxpool", "globalmaxpooling":
		return "write `maxpool(N)`, where N is the height of what flows in: the largest value of each channel"
	case "convtranspose", "transposedconv", "convtransposed", "transposeconv":
		return "here it is `deconv`"
	case "dense", "fc", "fullyconnected", "affine":
		return "here it is `linear`"
	case "bn", "norm", "batchnormalization":
		return "here it is `batchnorm`"
	case "gn", "groupnormalization":
		return "here it is `groupnorm`"
	case "ln", "layernormalization":
		return "here it is `layernorm`"
	case "silu":
		return "here it is `swish`"
	case "lrelu":
		return "here it is `leaky_relu`"
	case "view", "squeeze", "unsqueeze":
		return "write `reshape(channels, height, width)` with the whole new shape, or `flatten`"
	case "permute", "transpose", "movedim", "rearrange":
		return "leave it out: a shape is [channels, height, width] everywhere, and axes are never swapped"
	case "identity", "noop", "multisteps", "seqtoanncontainer", "layer":
		return "leave it out"
	case "sequential":
		return "layers follow each other by arrows: write `x -> linear(64) -> relu`"
	case "interpolate", "upsamplenearest":
		return "here it is `upsample`"
	case "cat", "concatenate":
		return "write `concat(a, b)` in front of the first arrow"
	case "multiheadattention", "selfattention":
		return "here it is `attention`"
	case "sinusoidalpositionembedding", "sinusoidalembedding", "timeembedding", "positionalencoding":
		return "here it is `sinusoid`"
	}
	return ""
}

// Surrogate says how a surrogate that other libraries know by a name is written here, with the text of its only argument, "" where
// that is not known; "" for other names. Fast sigmoid is the derivative of x / (1 + k |x|) (Zenke and Ganguli 2018).
func Surrogate(name, argument string) string {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "") {
	case "fastsigmoid", "superspike":
		return fmt.Sprintf("write `1 / (1 + %s * abs(u)) ^ 2`", cmp.Or(argument, "25"))
	case "straightthroughestimator", "ste":
		return "write `1`"
	case "gaussian", "gauss", "erf":
		return "write `exp(-u ^ 2)`"
	case "arctan", "atangrad":
		return "here it is `atan`"
	case "piecewise", "boxcar", "rect", "window":
		return "here it is `rectangle`"
	}
	return ""
}
