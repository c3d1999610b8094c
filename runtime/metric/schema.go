package metric

import "snnc.dev/snnc/plugins/schema"

// Schemas returns what the setting `metrics` of an evaluation accepts. Those marked Later are known and checked, but
// nothing in this version can compute them; frechet is ready with the features pixels.
func Schemas() []schema.Choice {
	features := func(required bool, list ...schema.Choice) []schema.Param {
		return []schema.Param{{Name: "features", Type: schema.OneOf, Required: required, Choices: list,
			Doc: "What an image is before it is compared."}}
	}
	lenet := schema.Choice{Name: "lenet", Later: true, Doc: "The 84 features before the last layer of a small classifier of digits and clothes."}
	autoencoder := schema.Choice{Name: "autoencoder", Later: true, Doc: "The code of a small autoencoder: the Fréchet autoencoder distance."}
	return []schema.Choice{
		{Name: "mse", Doc: "Mean squared error of the reconstructions, also relative to that of the mean image."},
		{Name: "accuracy", Doc: "Share of the examples whose largest output is that of their label."},
		{Name: "frechet", Doc: "Fréchet distance between generated samples and the reference.",
			Params: features(true, schema.Choice{Name: "pixels", Doc: "The pixels themselves."}, lenet, autoencoder)},
		{Name: "ssim", Later: true, Doc: "Structural similarity of the reconstructions."},
		{Name: "fid", Later: true, Doc: "Fréchet distance over the 2048 features of Inception v3."},
		{Name: "inception_score", Later: true, Doc: "How sure and how varied a classifier is of the samples; without features, Inception v3.",
			Params: features(false, lenet)},
		{Name: "kid", Later: true, Doc: "Kernel distance between generated samples and the reference.", Params: features(true, lenet, autoencoder)},
		{Name: "active_pixels", Later: true, Doc: "Mean share of the pixels that are lit, of samples and of the reference."},
		{Name: "spike_counts", Later: true, Doc: "Spikes per example and layer."},
	}
}
