package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// decode reads a JSON text into a struct and is strict: members must have the very names of the json tags, be there once, and not be
// null; nothing may follow the value. Errors say where.
func decode(text string, into any) error {
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

// check reads a value that is to be of a type.
func check(d *json.Decoder, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
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
	case reflect.Slice:
		if token != json.Delim('[') {
			return named(path, fmt.Errorf("must be a list"))
		}
		for i := 0; d.More(); i++ {
			if err := check(d, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
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
		n, ok := token.(json.Number)
		if !ok {
			return named(path, fmt.Errorf("must be a whole number"))
		}
		if err := json.Unmarshal([]byte(n), reflect.New(t).Interface()); err != nil {
			return named(path, fmt.Errorf("%s is no whole number that is possible here", n))
		}
		return nil
	}
	_, err = next(d) // the end of a list
	return named(path, err)
}

func members(d *json.Decoder, t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = t.Field(i).Type
		names = append(names, name)
	}
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
		err = fmt.Errorf("the text ends too early")
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
