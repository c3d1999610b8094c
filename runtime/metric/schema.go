package metric

import (
	"strconv"

	"snnc.dev/snnc/plugins/schema"
)

// Names of metrics and features that belong together: over the features Inception alone a Fréchet distance is an FID, and without
// `features` inception_score takes them.
const (
	FID       = "fid"
	Inception = "inception"
	// InceptionWeights is the file of its weights, where none is named.
	InceptionWeights = "inception.safetensors"
	// Conversion says where the file comes from.
	Conversion = "specs/features/convert_inception.py makes it from the weights that the package pytorch-fid loads"
	// DefaultWeights is the data set whose weights a feature network has where the images that are judged are of none that has some.
	DefaultWeights = "mnist"
)

// Schemas returns what the setting `metrics` of an evaluation accepts.
func Schemas() []schema.Choice {
	pixels := schema.Choice{Name: "pixels", Doc: "The pixels themselves, in 0..1."}
	trained := schema.Param{Name: "weights", Type: schema.OneOf, Doc: "The data set that it was trained on; absent: the one that is judged, if it is one of these, else mnist.",
		Choices: []schema.Choice{{Name: DefaultWeights, Doc: "Handwritten digits."}, {Name: "fashion_mnist", Doc: "Pieces of clothing."}}}
	file := schema.Param{Name: "weights", Type: schema.String, Default: strconv.Quote(InceptionWeights),
		Doc: "A safetensors file in the folder of the spec, or in a folder of data; " + Conversion + "."}
	lenet := schema.Choice{Name: "lenet", Doc: "The 84 features before the last layer of a small classifier of digits or clothes, of grey images.", Params: []schema.Param{trained}}
	autoencoder := schema.Choice{Name: "autoencoder", Doc: "The 64 numbers that an autoencoder of digits or clothes, grey images, has in its middle: the Fréchet autoencoder distance.", Params: []schema.Param{trained}}
	inception := schema.Choice{Name: Inception, Doc: "The 2048 features of Inception v3, with the weights of TensorFlow of 2015.", Params: []schema.Param{file}}
	features := schema.Param{Name: "features", Type: schema.OneOf, Required: true, Choices: []schema.Choice{pixels, lenet, autoencoder, inception}, Export: "features",
		Doc: "What an image is before it is compared; also a trained model of the file that exports `features`."}
	classifier := func(required bool, doc string) schema.Param {
		return schema.Param{Name: "features", Type: schema.OneOf, Required: required, Choices: []schema.Choice{lenet, inception}, Export: "logits", Doc: doc}
	}
	least := func(name, value string, low float64, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Int, Default: value, Min: &low, Doc: doc}
	}
	zero, one := 0.0, 1.0
	return []schema.Choice{
		{Name: "mse", Doc: "Mean squared error of the reconstructions, also relative to that of the mean image."},
		{Name: "ssim", Doc: "Structural similarity of the reconstructions, which are of 11x11 pixels or more."},
		{Name: "accuracy", Doc: "Share of the examples whose largest output is that of their label."},
		{Name: "bound", Doc: "Bound on the negative log-likelihood of examples, in nats and in bits by the number."},
		{Name: "frechet", Doc: "Fréchet distance between generated samples and the reference.", Params: []schema.Param{features}},
		{Name: FID, Doc: "Fréchet distance over the 2048 features of Inception v3.", Params: []schema.Param{file}},
		{Name: "inception_score", Doc: "How sure and how varied a classifier is of the samples; without features, Inception v3.", Params: []schema.Param{
			classifier(false, "The classifier; also a trained model of the file that exports `logits`."),
			least("splits", "10", 1, "Parts of the samples, over whose scores the mean is taken.")}},
		{Name: "kid", Doc: "Kernel distance between generated samples and the reference: unbiased, cubic kernel.", Params: []schema.Param{features,
			least("subset", "", 2, "Vectors of each side in a subset; absent: all at once, which has the least variance."),
			least("subsets", "100", 1, "How many subsets.")}},
		{Name: "precision_recall", Doc: "Improved precision and recall: the share of samples near the reference, and the other way round.", Params: []schema.Param{features,
			least("neighbours", "3", 1, "How far around a vector is near: up to the neighbour of that number.")}},
		{Name: "density_coverage", Doc: "Density and coverage: how densely the reference's neighbourhoods are filled with samples, and how many of them are.", Params: []schema.Param{features,
			least("neighbours", "5", 1, "How far a neighbourhood reaches: up to the neighbour of that number.")}},
		{Name: "nearest", Doc: "Distance of samples from the nearest training image, against that of held-out images: whether training images are copied.", Params: []schema.Param{features}},
		{Name: "class_histogram", Doc: "How often a classifier sees each class among the samples, and how far that is from the reference.", Params: []schema.Param{
			classifier(true, "The classifier; also a trained model of the file that exports `logits`.")}},
		{Name: "active_pixels", Doc: "Mean share of the pixels that are lit, of samples and of the reference.", Params: []schema.Param{
			{Name: "above", Type: schema.Real, Default: "0", Min: &zero, Max: &one, Doc: "The brightness in 0..1 that a lit pixel exceeds."}}},
		{Name: "energy", Doc: "Operations of products that one sample takes, and their energy at 45 nm."},
		{Name: "spike_counts", Doc: "Spikes that one sample takes, how often neurons fire, and how many never do, also by layer."},
	}
}
