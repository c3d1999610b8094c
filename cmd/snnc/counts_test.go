package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The published sizes of the systems, and those that the heads of the specs say, are what `snnc plan --json` counts, exactly. The count of
// the first model is under "".
func TestCounts(t *testing.T) {
	type counts map[string]int
	mnist := "images=mnist(size = 32, range = -1..1)"
	table := map[string][]struct {
		args []string
		want counts
	}{
		"quickstart.snn": {{nil, counts{"encoder": 12_768, "decoder": 12_736, "": 62_048}}},
		"classifier.snn": {{nil, counts{"": 20586}}},
		"deploy.snn":     {{nil, counts{"": 3866}}},
		"fsvae.snn": {{nil, counts{"": 4_053_601, "posterior": 1_517_312, "prior": 1_484_544}},
			{[]string{"--preset", "celeba"}, counts{"": 6_681_571}},
			{[]string{"--preset", "small"}, counts{"": 688_433, "encoder": 130_592, "posterior": 216_064, "prior": 207_872, "decoder": 133_905}}},
		"vae-ann.snn": {{nil, counts{"": 1_180_641}}, {[]string{"--preset", "celeba"}, counts{"": 3_937_635}}, {[]string{"--preset", "small"}, counts{"": 296_177}}},
		"sddpm.snn": {{nil, counts{"denoiser": 66_568_413}}, {[]string{"--set", "channels=1", "--set", mnist}, counts{"": 66_563_725}},
			{[]string{"--preset", "small"}, counts{"": 622_029}}, {[]string{"--preset", "tiny"}, counts{"": 162_029}}},
		"ddpm-ann.snn":    {{nil, counts{"": 35_746_307}}, {[]string{"--preset", "snn"}, counts{"": 67_474_691}}, {[]string{"--preset", "small"}, counts{"": 619_697}}},
		"gan-ann.snn":     {{nil, counts{"generator": 354_784, "critic": 314_401}}},
		"sgad.snn":        {{nil, counts{"generator": 6_988_865, "critic": 1_102_913}}, {[]string{"--preset", "small", "--set", "gain=0"}, counts{"": 663_346, "critic": 144_929}}, {[]string{"--preset", "small"}, counts{"": 663_314, "critic": 144_897}}},
		"spiking-gan.snn": {{nil, counts{"generator": 353_600, "critic": 314_400}}},
		"spiking-diffusion.snn": {{nil, counts{"": 50_658, "sdid": 3_101_504}},
			{[]string{"--preset", "small"}, counts{"": 49_634, "sdid": 375_888}}, {[]string{"--preset", "small", "--set", "embed=0"}, counts{"sdid": 370_528}}},
		"extend/class-sddpm.snn":  {{nil, counts{"": 622_669}}, {[]string{"--preset", "tiny"}, counts{"": 162_669}}},
		"extend/spiking-flow.snn": {{nil, counts{"": 622_029}}, {[]string{"--preset", "told"}, counts{"": 622_669}}, {[]string{"--preset", "tiny"}, counts{"": 162_029}}},
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range slices.Sorted(maps.Keys(table)) {
		for _, c := range table[spec] {
			command := exec.Command(self, append([]string{"plan", filepath.Join("../../specs", spec), "--json"}, c.args...)...)
			command.Env = append(os.Environ(), asCommand+"=1", "XDG_CACHE_HOME="+t.TempDir())
			out, err := command.Output()
			if err != nil {
				t.Errorf("%s %v: %v", spec, c.args, err)
				continue
			}
			var plan struct {
				Models   []struct{ Parameters int }
				Networks []struct {
					Name       string
					Parameters int
				}
			}
			if err := json.Unmarshal(out, &plan); err != nil {
				t.Fatal(err)
			}
			got := counts{"": plan.Models[0].Parameters}
			for _, n := range plan.Networks {
				got[n.Name] = n.Parameters
			}
			for name, want := range c.want {
				if got[name] != want {
					t.Errorf("%s %v: %q has %d parameters, want %d", spec, c.args, name, got[name], want)
				}
			}
		}
	}
	for _, pattern := range []string{"*.snn", "extend/*.snn"} {
		files, err := filepath.Glob(filepath.Join("../../specs", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if spec := strings.TrimPrefix(filepath.ToSlash(f), "../../specs/"); table[spec] == nil {
				t.Errorf("%s: no counts are known of this spec: put them into the table", spec)
			}
		}
	}
}
