package data

import "errors"

// Status tells of a data set whether and where it is there.
type Status struct {
	Name, Doc               string
	Channels, Height, Width int
	Train, Test             int    // examples: those of the files where there are some, else as published
	Found                   string // the folder of its files, or "part of snnc"; "" where it is not there
	Help                    string // how to get it, where it is not there
	Err                     error  // what is wrong with the files that are there; their images have not been read
	Later                   bool   // a spec may name it, but it cannot be read
}

// List tells of every data set, in the order of Schemas. Of files only headers and labels are read.
func List(folders []string) []Status {
	var out []Status
	for _, c := range collections() {
		out = append(out, c.status(folders))
	}
	return out
}

func (c *collection) status(folders []string) Status {
	s := Status{Name: c.name, Doc: c.doc, Channels: c.channels, Height: c.height, Width: c.width, Train: c.train, Test: c.test, Later: c.later}
	switch {
	case c.later:
		s.Help = "not in this version"
		return s
	case len(c.files) == 0:
		s.Found = "part of snnc"
		return s
	}
	where, err := c.locate(folders)
	if err != nil {
		s.Help = c.get()
		return s
	}
	s.Found = where
	s.Train, err = c.count(where, Train)
	test, errTest := c.count(where, Test)
	s.Test, s.Err = test, errors.Join(err, errTest)
	return s
}

// count returns how many examples the files of a split hold.
func (c *collection) count(folder string, split Split) (int, error) {
	e, err := c.read(folder, split)
	if err != nil {
		return 0, err
	}
	e.close()
	return len(e.labels), nil
}
