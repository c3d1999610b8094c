package data

import "errors"

// Status tells of a data set whether and where it is there.
type Status struct {
	Name, Doc               string
	Channels, Height, Width int    // as a spec gets them that says nothing of it; height 0 where it has to
	Train, Test             int    // examples: those of the files where there are some, else as published; 0 where that is not known
	Found                   string // the folder of its files, "part of snnc", or "as the spec says"; "" where it is not there
	Help                    string // how to get it, where it is not there
	Err                     error  // what is wrong with the files that are there; their images have not been read
}

// List tells of every data set, in the order of Schemas. Of files only headers and labels are read, and of tar files and folders of
// images nothing.
func List(folders []string) []Status {
	var out []Status
	for _, c := range collections() {
		out = append(out, c.status(folders))
	}
	return out
}

func (c *collection) status(folders []string) Status {
	s := Status{Name: c.name, Doc: c.doc, Channels: c.channels, Train: c.train, Test: c.test}
	a, err := c.arguments(nil)
	if err == nil {
		s.Height, s.Width = a.height, a.width
	}
	switch c.kind {
	case embeddedKind, drawnKind:
		s.Found = "part of snnc"
		return s
	case arraysKind, folderKind:
		s.Found = "as the spec says"
		return s
	}
	p, err := c.locate(a, folders)
	if err != nil {
		s.Help = c.get()
		var wrong *Error
		if errors.As(err, &wrong) && !wrong.absent {
			s.Err = err
		}
		return s
	}
	s.Found = p.where
	if c.kind == idxKind {
		s.Train, err = c.count(p, Train)
		test, errTest := c.count(p, Test)
		s.Test, s.Err = test, errors.Join(err, errTest)
	}
	return s
}

// count returns how many examples the files of a split hold.
func (c *collection) count(p *place, split Split) (int, error) {
	e, err := p.open(split)
	if err != nil {
		return 0, c.bad(err)
	}
	e.Close()
	return e.Count, nil
}
