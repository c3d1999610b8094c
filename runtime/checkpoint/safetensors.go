package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// File is what a safetensors file holds. The order of Tensors does not matter to Write; Read gives them by name.
type File struct {
	Tensors  []Tensor
	Metadata map[string]string
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// ErrDamaged is wrapped by every error of Read that is due to the bytes of the file: torn, truncated, altered, or no
// safetensors file at all.
var ErrDamaged = errors.New("damaged checkpoint")

const (
	metadataName = "__metadata__"
	digestName   = "snnc.sha256"
	digestLength = 2 * sha256.Size
	// maxHeader is the longest header of the safetensors library.
	maxHeader = 100_000_000
)

var noDigest = strings.Repeat("0", digestLength)

// digestAt returns where in a header that Write made the digits of the digest begin, or -1. Within a JSON string a
// quotation mark follows a backslash, so that no name and no value can look like the entry.
func digestAt(header []byte) int {
	for _, before := range []string{`{"`, `,"`} {
		key := before + digestName + `":"`
		if at := bytes.Index(header, []byte(key)); at >= 0 && len(header)-at-len(key) >= digestLength {
			return at + len(key)
		}
	}
	return -1
}

// Write makes path a safetensors file of f, whole: a reader finds the file that was there before or the new one. Names must
// be distinct and valid UTF-8; a metadata entry `snnc.sha256` is replaced.
func Write(path string, f *File) error {
	header, order, err := encodeHeader(f)
	if err != nil {
		return fmt.Errorf("write checkpoint %s: %w", path, err)
	}
	hash := sha256.New()
	hash.Write(header)
	for _, t := range order {
		hash.Write(t.Data)
	}
	at := digestAt(header)
	hex.Encode(header[at:at+digestLength], hash.Sum(nil))
	err = wholefile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range order {
			if _, err := w.Write(t.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// encodeHeader returns the file up to its data, with zeros for the digest, and the tensors in the order of their data.
func encodeHeader(f *File) (header []byte, order []Tensor, err error) {
	order = slices.SortedFunc(slices.Values(f.Tensors), func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	entries := make(map[string]any, len(order)+1)
	offset := 0
	for _, t := range order {
		if err := t.check(); err != nil {
			return nil, nil, err
		}
		switch _, twice := entries[t.Name]; {
		case twice:
			return nil, nil, fmt.Errorf("two tensors are named %q", t.Name)
		case t.Name == metadataName:
			return nil, nil, fmt.Errorf("a tensor cannot be named %q", t.Name)
		case !utf8.ValidString(t.Name):
			return nil, nil, fmt.Errorf("name %q of a tensor is not valid UTF-8", t.Name)
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		entries[t.Name] = struct {
			DType   DType  `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType, shape, [2]int{offset, offset + len(t.Data)}}
		offset += len(t.Data)
	}
	metadata := map[string]string{}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, nil, fmt.Errorf("metadata %q is not valid UTF-8", k)
		}
		metadata[k] = v
	}
	metadata[digestName] = noDigest
	entries[metadataName] = metadata
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return nil, nil, fmt.Errorf("header of %d bytes is longer than %d", len(text), maxHeader)
	}
	header = binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(text)), uint64(len(text)))
	return append(header, text...), order, nil
}

// Read returns what the safetensors file path holds, tensors by name. The error wraps ErrDamaged where the bytes are at fault.
// Memory is bounded by the size of the file, whatever its header claims; the tensors' data share it.
func Read(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	f, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w: %w", path, ErrDamaged, err)
	}
	return f, nil
}

// Decode is Read of a file whose bytes are b, which the tensors' data share.
func Decode(b []byte) (*File, error) {
	f, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w: %w", ErrDamaged, err)
	}
	return f, nil
}

// entry is a tensor of which only the header has been read.
type entry struct {
	Tensor
	begin, end int
}

func decode(b []byte) (*File, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("file of %d bytes is too short for the length of a header", len(b))
	}
	length := binary.LittleEndian.Uint64(b)
	if length > maxHeader || length > uint64(len(b)-8) {
		return nil, fmt.Errorf("header of %d bytes does not fit a file of %d", length, len(b))
	}
	text, data := b[8:8+length], b[8+length:]
	entries, metadata, err := decodeHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	// The data of the tensors lie one after the other, without overlap or gap, and fill the rest of the file.
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	next := 0
	for i := range entries {
		e := &entries[i]
		if e.begin != next {
			return nil, fmt.Errorf("data of tensor %q begin at %d, those before end at %d", e.Name, e.begin, next)
		}
		if e.end < e.begin || e.end > len(data) {
			return nil, fmt.Errorf("data of tensor %q from %d to %d are not within the %d bytes that the file has: it is truncated or altered",
				e.Name, e.begin, e.end, len(data))
		}
		e.Data = data[e.begin:e.end:e.end]
		if err := e.check(); err != nil {
			return nil, err
		}
		next = e.end
	}
	if next != len(data) {
		return nil, fmt.Errorf("%d bytes follow the last tensor", len(data)-next)
	}
	if want, ok := metadata[digestName]; ok {
		if err := verify(b, 8+int(length), want); err != nil {
			return nil, err
		}
		delete(metadata, digestName)
	}
	f := &File{Metadata: metadata}
	for _, e := range entries {
		f.Tensors = append(f.Tensors, e.Tensor)
	}
	slices.SortFunc(f.Tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return f, nil
}

// verify compares the digest of the file b, whose data begin at headerEnd, with the one its header states.
func verify(b []byte, headerEnd int, want string) error {
	at := digestAt(b[:headerEnd])
	if at < 0 || string(b[at:at+digestLength]) != want {
		return fmt.Errorf("metadata entry %s is not as it was written", digestName)
	}
	hash := sha256.New()
	hash.Write(b[:at])
	io.WriteString(hash, noDigest)
	hash.Write(b[at+digestLength:])
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return fmt.Errorf("SHA-256 is %s, the file states %s: its bytes were altered", got, want)
	}
	return nil
}

func decodeHeader(text []byte) ([]entry, map[string]string, error) {
	if !utf8.Valid(text) {
		return nil, nil, errors.New("not valid UTF-8")
	}
	h := headerReader{json.NewDecoder(bytes.NewReader(text))}
	h.UseNumber()
	var entries []entry
	metadata := map[string]string{}
	err := h.object(func(name string) error {
		if name == metadataName {
			return h.object(func(key string) (err error) {
				metadata[key], err = h.text()
				return err
			})
		}
		e, err := h.tensor()
		e.Name = name
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if rest := text[h.InputOffset():]; len(bytes.Trim(rest, " \t\r\n\x00")) != 0 {
		return nil, nil, fmt.Errorf("%d bytes follow the header's object", len(rest))
	}
	return entries, metadata, nil
}

// headerReader reads the JSON of a header token by token: encoding/json by itself would let a name appear twice.
type headerReader struct{ *json.Decoder }

// object reads an object; value is called for each key and must read its value.
func (h headerReader) object(value func(key string) error) error {
	if err := h.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for h.More() {
		key, err := h.text()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return h.delim('}')
}

// tensor reads the description of one tensor.
func (h headerReader) tensor() (e entry, err error) {
	fields := 0
	err = h.object(func(key string) error {
		fields++
		switch key {
		case "dtype":
			text, err := h.text()
			e.DType = DType(text)
			return err
		case "shape":
			e.Shape, err = h.numbers()
			return err
		case "data_offsets":
			offsets, err := h.numbers()
			if err == nil && len(offsets) != 2 {
				err = fmt.Errorf("%d numbers, want begin and end", len(offsets))
			}
			if err == nil {
				e.begin, e.end = offsets[0], offsets[1]
			}
			return err
		}
		return errors.New("not an entry that a tensor has")
	})
	if err == nil && fields != 3 {
		err = errors.New("a tensor has dtype, shape and data_offsets")
	}
	return e, err
}

// numbers reads an array of integers that are not negative.
func (h headerReader) numbers() ([]int, error) {
	if err := h.delim('['); err != nil {
		return nil, err
	}
	list := []int{}
	for h.More() {
		tok, err := h.token()
		if err != nil {
			return nil, err
		}
		num, ok := tok.(json.Number)
		n, err := strconv.ParseUint(num.String(), 10, strconv.IntSize-1)
		if !ok || err != nil {
			return nil, fmt.Errorf("%v is not an integer from 0 to 2^63-1", tok)
		}
		list = append(list, int(n))
	}
	return list, h.delim(']')
}

func (h headerReader) text() (string, error) {
	tok, err := h.token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("%v is not a string", tok)
	}
	return s, nil
}

func (h headerReader) delim(want json.Delim) error {
	tok, err := h.token()
	if err == nil && tok != want {
		err = fmt.Errorf("%v where %v should be", tok, want)
	}
	return err
}

func (h headerReader) token() (json.Token, error) {
	tok, err := h.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return tok, err
}
