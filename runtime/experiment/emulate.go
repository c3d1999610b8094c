package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/host"
)

// EmulateOptions say which network is run on which chip.
type EmulateOptions struct {
	Target string   // as a spec writes it, such as `chip(cores = 4)`; one of a plugin behind its name and a dot: `acme/toychip.toychip`
	Sets   []string // arguments of the target: NAME=VALUE
	File   string   // a network in the target's own terms, as JSON
}

// The bounds of what Emulate reads.
const (
	maxNetwork = 48 << 20 // bytes of a text: what is sent to a plugin has a bound, and quotation marks take two bytes there
	maxArrays  = 16 << 30 // bytes of tensors
)

// Emulate runs a network that a file gives in the terms of a chip, with the spikes that go in, and returns what the chip did as JSON
// lines. The tensors that the text names are those of the safetensors file of its member `tensors`, which lies beside it; where it has no
// such member, of NAME.safetensors beside NAME.json, if that is there. The findings, with the texts that they point into, are about the
// target and its arguments.
func Emulate(ctx context.Context, h *host.Host, o EmulateOptions) (string, diag.List, diag.Sources, error) {
	target, found, sources := Target(ctx, h, o.Target, o.Sets)
	if target == nil {
		return "", found, sources, nil
	}
	lines, err := emulate(ctx, h, target, o)
	return lines, found, sources, err
}

func emulate(ctx context.Context, h *host.Host, target *check.Target, o EmulateOptions) (string, error) {
	p, err := h.Describe(ctx, target.Plugin)
	if err != nil {
		return "", err
	}
	for _, c := range p.Components {
		if c.Kind == schema.Target && c.Name == target.Value.Text && !c.Traces {
			return "", fmt.Errorf("target `%s` says whether networks fit, and runs none that is given in its own terms", o.Target)
		}
	}
	text, err := readNetwork(o.File)
	if err != nil {
		return "", err
	}
	tensors, err := besideNetwork(o.File, text)
	if err != nil {
		return "", err
	}
	r, err := h.Trace(ctx, target.Plugin, target.Value.Text, target.Value.Args, string(text), tensors)
	if err != nil {
		return "", err
	}
	if r.Error != "" {
		return "", fmt.Errorf("%s: %s", o.File, r.Error)
	}
	return r.Lines, nil
}

// Target checks a target as a spec writes it, such as `chip(cores = 4)`, with further arguments as NAME=VALUE. One of a plugin stands
// behind the plugin's name and a dot. It is nil where an error was found; the findings point into the texts that come with them.
func Target(ctx context.Context, h *host.Host, text string, sets []string) (*check.Target, diag.List, diag.Sources) {
	const label = "TARGET"
	spec, name, own := "snn 1\n", "chip", ""
	path, args, called := strings.Cut(text, "(")
	if at := strings.LastIndex(path, "."); at >= 0 {
		if own = strings.TrimSpace(path[at+1:]); own == name { // the plugin's is called so too
			name = "target_chip"
		}
		spec += "use " + strconv.Quote(strings.TrimSpace(path[:at])) + " as " + own + "\n"
		if text = own; called {
			text += "(" + args
		}
	}
	text = name + " = " + text
	file, found, sources := parse("target", []byte(spec+"target "+name+" = none\n"))
	sources[label] = []byte(text)
	change, bad := dsl.ParseChange(label, text)
	found = append(found, bad...)
	changes := []dsl.Change{change}
	for _, set := range sets {
		label := "--set " + set
		set = name + "." + set
		sources[label] = []byte(set)
		change, bad := dsl.ParseChange(label, set)
		found, changes = append(found, bad...), append(changes, change)
	}
	if found.HasErrors() {
		return nil, found, sources
	}
	builtin, used, bad := describe(ctx, h, file)
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	s, bad := check.Check(file, check.Options{Catalogue: Catalogue(ctx, h, builtin, used), Sets: changes})
	if i := slices.IndexFunc(bad, func(d diag.Diagnostic) bool { return d.Code == diag.UnknownPlugin }); i >= 0 {
		bad = bad[i : i+1] // the rest follows from it
	}
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	if is := s.Targets[0].Value.Text; own != "" && is != own { // any name stands for the only target of a plugin
		found.Add(diag.Diagnostic{Code: diag.UnknownName, Range: change.Value.Span(), Summary: fmt.Sprintf("plugin `%s` has no target `%s`", s.Targets[0].Plugin, own), Help: fmt.Sprintf("its target is `%s`", is)})
		return nil, found, sources
	}
	return s.Targets[0], found, sources
}

// readNetwork reads the text of a network, a plain file.
func readNetwork(path string) ([]byte, error) {
	text, err := readPlain(path, maxNetwork)
	if err != nil {
		return nil, fmt.Errorf("read network: %w", err)
	}
	return text, nil
}

// readPlain reads a plain file of at most so many bytes.
func readPlain(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // a pipe would wait for its other end
		return nil, fmt.Errorf("%s is no plain file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, and at most %d are read", path, info.Size(), most)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}

// besideNetwork reads the tensors of a network's text.
func besideNetwork(path string, text []byte) ([]host.Tensor, error) {
	var named struct {
		Tensors string `json:"tensors"`
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, fmt.Errorf("read network %s: %w", path, inLine(text, err))
	}
	name := named.Tensors
	switch {
	case name == "":
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ".safetensors"
	case filepath.Base(name) != name || name == "." || name == "..":
		return nil, fmt.Errorf("read network %s: its tensors are in %q, which is no name of a file beside it", path, name)
	}
	data, err := readPlain(filepath.Join(filepath.Dir(path), name), maxArrays)
	if errors.Is(err, fs.ErrNotExist) && named.Tensors == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tensors of %s: %w", path, err)
	}
	f, err := checkpoint.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read the tensors of %s: %s is damaged: %s", path, name, strings.TrimPrefix(err.Error(), "read checkpoint: "+checkpoint.ErrDamaged.Error()+": "))
	}
	var out []host.Tensor
	for _, t := range f.Tensors {
		x := host.Tensor{NamedTensor: schema.NamedTensor{Name: t.Name, DType: string(t.DType), Dims: t.Shape}, Bytes: t.Data}
		if x.Size() != len(t.Data) {
			return nil, fmt.Errorf("tensor %q in %s is %s; a network has I8, U8, I16, I32 and F32", t.Name, name, t.DType)
		}
		out = append(out, x)
	}
	return out, nil
}

// inLine says in which line of a JSON text an error is.
func inLine(text []byte, err error) error {
	offset := int64(-1)
	var bad *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &bad):
		offset = bad.Offset
	case errors.As(err, &kind) && kind.Field == "":
		offset, err = kind.Offset, fmt.Errorf("a network is an object, and this is %s", kind.Value)
	case errors.As(err, &kind):
		offset, err = kind.Offset, fmt.Errorf("%s is the name of a file, and this is %s", kind.Field, kind.Value)
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+strings.Count(string(text[:offset]), "\n"), err)
}
