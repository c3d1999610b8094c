package record

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// sheetSeries are the sheets of one title. Where the large sheet is also that of another title, it is here once, with the
// numbers of both.
type sheetSeries struct {
	Title, Caption string
	Newest         sheetImage
	Earlier        []sheetImage
}

type sheetImage struct {
	Alt, Caption string
	Width, Small int // pixels; of the large picture, and of the one in a strip
	URL          template.URL
	Numbers      []string // files of the numbers that it shows, those that there are
	png          []byte
}

// A strip shows at most earlierSheets sheets, each as large as a square of stripSide pixels.
const (
	earlierSheets = 9
	stripSide     = 144
)

// sheets reads the sheets of the folder, by title; those that belong to no epoch come first.
func (f *Folder) sheets() ([]sheetSeries, error) {
	found, err := os.ReadDir(f.Path(SampleFolder))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	epochs := map[string][]int{}
	for _, e := range found {
		if name, ok := strings.CutSuffix(e.Name(), ".png"); ok && e.Type().IsRegular() {
			title, epoch := sheetName(name)
			epochs[title] = append(epochs[title], epoch)
		}
	}
	read := func(title string, epoch int) (sheetImage, error) {
		name, caption := title, "final"
		if epoch > 0 {
			name, caption = SheetName(title, epoch), "epoch "+strconv.Itoa(epoch)
		}
		data, err := os.ReadFile(f.Path(SampleFolder + "/" + name + ".png"))
		if err != nil {
			return sheetImage{}, err
		}
		s := sheetImage{Alt: "sheet of images " + title + ", " + caption, Caption: caption, png: data}
		if numbers := SampleFolder + "/" + name + ".npy"; f.has(numbers) {
			s.Numbers = []string{numbers}
		}
		if c, err := png.DecodeConfig(bytes.NewReader(data)); err == nil {
			s.Width = c.Width
			s.Small = int(stripSide * math.Sqrt(float64(c.Width)/float64(c.Height))) // equal areas
		}
		s.URL = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data))
		return s, nil
	}
	var all []sheetSeries
	titles := sorted(epochs)
	slices.SortStableFunc(titles, func(a, b string) int {
		return cmp.Compare(min(slices.Min(epochs[a]), 1), min(slices.Min(epochs[b]), 1))
	})
	for _, title := range titles {
		s := sheetSeries{Title: title}
		if strings.Contains(title, "reconstruct") {
			s.Caption = "Pairs: the original at the left, its reconstruction at the right."
		}
		list := epochs[title]
		slices.Sort(list)
		newest := list[len(list)-1]
		if list[0] == 0 { // the sheet of no epoch is the result
			list, newest = append(list[1:], 0), 0
		}
		if s.Newest, err = read(title, newest); err != nil {
			return nil, err
		}
		earlier := list[:len(list)-1]
		if n := len(earlier); newest == 0 && n > 0 {
			last, err := read(title, earlier[n-1])
			if err != nil {
				return nil, err
			}
			if samePixels(last.png, s.Newest.png) {
				s.Newest = last.also(s.Newest, "final")
				earlier = earlier[:n-1]
			}
		}
		n := min(len(earlier), earlierSheets)
		for i := range n {
			at := 0
			if n > 1 {
				at = i * (len(earlier) - 1) / (n - 1)
			}
			e, err := read(title, earlier[at])
			if err != nil {
				return nil, err
			}
			s.Earlier = append(s.Earlier, e)
		}
		all = append(all, s)
	}
	return once(all), nil
}

// once drops a sheet of no epoch that is, in pixels, the last one of another title, which says so and takes its place.
func once(all []sheetSeries) []sheetSeries {
	for i := 0; i < len(all); i++ {
		final := all[i].Newest
		if len(all[i].Earlier) > 0 || final.Caption != "final" {
			continue
		}
		j := slices.IndexFunc(all, func(s sheetSeries) bool { return s.Newest.Caption != "final" && samePixels(s.Newest.png, final.png) })
		if j < 0 {
			continue
		}
		both := all[j]
		both.Newest = both.Newest.also(final, all[i].Title)
		all[min(i, j)] = both
		all = slices.Delete(all, max(i, j), max(i, j)+1)
		i = min(i, j) // what follows it may have moved up
	}
	return all
}

// also returns s with the caption and numbers of a sheet that shows the same.
func (s sheetImage) also(other sheetImage, called string) sheetImage {
	s.Caption += ", and " + called
	s.Alt += ", and " + called
	s.Numbers = append(slices.Clone(s.Numbers), other.Numbers...)
	return s
}

// samePixels reports whether two PNG files show the same; those that cannot be read are the same where their bytes are.
func samePixels(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	p, err := decodeSheet(a)
	if err != nil {
		return false
	}
	q, err := decodeSheet(b)
	if err != nil || p.Bounds() != q.Bounds() {
		return false
	}
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			r, g, b, _ := p.At(x, y).RGBA() // sheets are opaque
			if r2, g2, b2, _ := q.At(x, y).RGBA(); r != r2 || g != g2 || b != b2 {
				return false
			}
		}
	}
	return true
}

// decodeSheet reads a PNG file that is no larger than a sheet can be.
func decodeSheet(data []byte) (image.Image, error) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if c.Width > largestSide || c.Height > largestSide {
		return nil, fmt.Errorf("a picture of %dx%d", c.Width, c.Height)
	}
	return png.Decode(bytes.NewReader(data))
}
