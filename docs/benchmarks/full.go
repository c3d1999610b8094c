package main

import (
	"fmt"
	"slices"
	"strings"
)

// full is the groups of published networks at full size: their specs as they stand, but for the images, which are digits.
// torch.compile takes longer to start with networks like these than all that is measured here, so the peers are SpikingJelly's.
func full() []group {
	const digits = "images=mnist(size = 32, range = -1..1)"
	sddpm := []string{"channels=1", digits, "train.sddpm.memory=16 GB"}
	unet := []string{
		"--size", "32", "--width", "128", "--levels", "1,2,2,4", "--blocks", "2", "--momentum", "0.1", "--start", "published", "--data", "mnist",
	}
	const updates = 32 // before samples are drawn
	return []group{
		{
			name: "sddpm-full", title: "SDDPM at full size, an update", unit: "ms", rounds: 1, parameters: 66_563_725,
			about: "`specs/sddpm.snn` as published, on MNIST at 32x32: 66.6 million parameters, T = 4, batch 128, within 16 GB. SpikingJelly keeps " +
				"0.3 GB of an image for the way back, so there the gradients of four parts of 32 images add up, and batch norm has the statistics " +
				"of a part. One update warms up, two of snnc.",
			contenders: published("sddpm", "sddpm-full",
				func(s *session) program { return s.bench("specs/sddpm.snn", "", s.times(2), sddpm...) },
				func(s *session) []string {
					return slices.Concat(unet, []string{"--batch", "128", "--part", "32", "--figures", "train", "--warm", "1", "--repeat", fmt.Sprint(s.times(2))})
				}),
			rows: []row{{figure: "train", title: "SDDPM at full size, training step"}},
		},
		{
			name: "sddpm-samples", title: "SDDPM at full size, four samples", unit: "ms", rounds: 1, parameters: 66_563_725,
			about: "Four samples of the same network by DDIM in ten steps, from noise to pixels. They are drawn after 32 updates of batches of " +
				"four: the running statistics of fewer leave most neurons silent.",
			contenders: published("sddpm", "sddpm-full",
				func(s *session) program {
					set := slices.Concat(sddpm, []string{"batch=4", "sample.sddpm[0].count=4", "sample.sddpm[0].sampler=ddim(steps = 10)"})
					p := s.bench("specs/sddpm.snn", "evaluate", updates-2, set...) // two updates warm up, and there are as many draws as updates
					p.argv = append(p.argv, "--only", "train,sample,draw")
					return p
				},
				func(s *session) []string {
					return slices.Concat(unet, []string{"--batch", "4", "--figures", "sample", "--updates", fmt.Sprint(updates), "--repeat", fmt.Sprint(s.times(usual))})
				}),
			rows: []row{{figure: "sample", title: "SDDPM at full size, 4 samples by DDIM in 10 steps"}},
		},
		{
			name: "fsvae-full", title: "FSVAE at full size, a hundred updates", unit: "ms", rounds: 1, parameters: 4_053_601,
			about: "`specs/fsvae.snn` as published, on MNIST at 32x32: 4.05 million parameters, T = 16, batch 250, with the passes of the posterior " +
				"over all prefixes of the latent, and those of the prior for scheduled sampling. snnc makes the latter over every prefix, " +
				"SpikingJelly, like the published code, over those that a coin chooses. Times are those of one of a hundred updates.",
			contenders: published("fsvae_full", "fsvae-full",
				func(s *session) program { return s.bench("specs/fsvae.snn", "", s.times(100), digits) },
				func(s *session) []string { return []string{"--data", "mnist", "--repeat", fmt.Sprint(s.times(100))} }),
			rows: []row{{figure: "train", title: "FSVAE at full size, training step"}},
		},
	}
}

// published returns snnc and SpikingJelly, the latter as a program of peers with its arguments.
func published(module, network string, mine func(s *session) program, args func(s *session) []string) []contender {
	out := []contender{{name: ours, title: "snnc", command: mine}}
	for _, p := range peers {
		if strings.HasPrefix(p.name, eager) {
			out = append(out, contender{name: p.name, title: p.title, best: p.best, command: func(s *session) program {
				return s.peer(module, network, p.name, args(s)...)
			}})
		}
	}
	return out
}
