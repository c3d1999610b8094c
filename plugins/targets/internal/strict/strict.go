package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Decode reads a JSON text into a struct and is strict: members must have the very names of the json tags, be there once, and not be
// null; lists for an array have its length; nothing may follow the value. A type that reads itself (json.Unmarshaler) gets what stands
// there, if it is not null and no object in it has a member twice; members that are not known are its own matter. Errors say in which
// line, and behind which path of members.
func Decode(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := check(d, reflect.TypeOf(into).Elem(), ""); err != nil {
		return place(text, d, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return place(text, d, fmt.Errorf("something follows the network"))
	}
	return json.Unmarshal([]byte(text), into)
}

// place adds the line of the text to an error.
func place(text string, d *json.Decoder, err error) error {
	at := min(int(d.InputOffset()), len(text))
	return fmt.Errorf("line %d: %w", 1+bytes.Count([]byte(text[:at]), []byte("\n")), err)
}

var errEnd = errors.New("the text ends too early")

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// check reads a value that is to be of a type.
func check(d *json.Decoder, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return own(d, t, path)
	}
	token, err := next(d)
	if err != nil {
		return named(path, err)
	}
	switch t.Kind() {
	case reflect.Struct:
		if token != json.Delim('{') {
			return named(path, fmt.Errorf("must be an object"))
		}
		return members(d, t, path)
	case reflect.Slice, reflect.Array:
		if token != json.Delim('[') {
			return named(path, fmt.Errorf("must be a list"))
		}
		n := 0
		for ; d.More(); n++ {
			if err := check(d, t.Elem(), fmt.Sprintf("%s[%d]", path, n)); err != nil {
				return err
			}
		}
		if t.Kind() == reflect.Array && n != t.Len() {
			return named(path, fmt.Errorf("has %d elements, and must have %d", n, t.Len()))
		}
	case reflect.String:
		if _, ok := token.(string); !ok {
			return named(path, fmt.Errorf("must be a string"))
		}
		return nil
	case reflect.Bool:
		if _, ok := token.(bool); !ok {
			return named(path, fmt.Errorf("must be true or false"))
		}
		return nil
	default:
		kind := "whole number"
		if t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32 {
			kind = "number"
		}
		n, ok := token.(json.Number)
		if !ok {
			return named(path, fmt.Errorf("must be a %s", kind))
		}
		if err := json.Unmarshal([]byte(n), reflect.New(t).Interface()); err != nil {
			return named(path, fmt.Errorf("%s is no %s that is possible here", n, kind))
		}
		return nil
	}
	_, err = next(d) // the end of a list
	return named(path, err)
}

// own lets a type read what stands there.
func own(d *json.Decoder, t reflect.Type, path string) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = errEnd
		}
		return named(path, err)
	}
	if string(raw) == "null" {
		return named(path, fmt.Errorf("must not be null: leave it out, or write what it is"))
	}
	if err := once(json.NewDecoder(bytes.NewReader(raw))); err != nil {
		return named(path, err)
	}
	return named(path, reflect.New(t).Interface().(json.Unmarshaler).UnmarshalJSON(raw))
}

// once reads a value and finds an object with a member twice.
func once(d *json.Decoder) error {
	token, err := next(d)
	if err != nil {
		return err
	}
	var seen map[string]bool
	switch token {
	case json.Delim('{'):
		seen = map[string]bool{}
	case json.Delim('['):
	default:
		return nil
	}
	for d.More() {
		if seen != nil {
			key, err := next(d)
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return fmt.Errorf("member %q is there twice", name)
			}
			seen[name] = true
		}
		if err := once(d); err != nil {
			return err
		}
	}
	_, err = next(d)
	return err
}

// fieldsOf lists the members of a struct, those of structs that it embeds among them.
func fieldsOf(t reflect.Type, fields map[string]reflect.Type) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, fieldsOf(f.Type, fields)...)
		case name != "-":
			fields[name] = f.Type
			names = append(names, name)
		}
	}
	return names
}

func members(d *json.Decoder, t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	names := fieldsOf(t, fields)
	seen := map[string]bool{}
	for d.More() {
		token, err := next(d)
		if err != nil {
			return named(path, err)
		}
		name, _ := token.(string)
		of, ok := fields[name]
		if !ok {
			return named(path, fmt.Errorf("unknown member %q; there are %s", name, strings.Join(names, ", ")))
		}
		if seen[name] {
			return named(path, fmt.Errorf("member %q is there twice", name))
		}
		seen[name] = true
		if path != "" {
			name = path + "." + name
		}
		if err := check(d, of, name); err != nil {
			return err
		}
	}
	_, err := next(d)
	return named(path, err)
}

// next reads a token that must be there.
func next(d *json.Decoder) (json.Token, error) {
	token, err := d.Token()
	if err == io.EOF {
		err = errEnd
	}
	return token, err
}

// named says what an error is about.
func named(path string, err error) error {
	if err == nil || path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
