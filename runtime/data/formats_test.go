package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// opened opens a set and returns the first pixel of each image, as bytes, and the labels.
func opened(t *testing.T, set string, args schema.Arguments, split Split, folders ...string) (s *Set, first []byte, labels []int32) {
	t.Helper()
	s, err := Open(t.Context(), set, args, split, folders)
	if err != nil {
		t.Fatal(err)
	}
	x, n := fetched(t, s, "image"), s.image.Size()
	low, high := s.Range()
	for i := range s.Len() {
		first = append(first, byte(0.5+255*(float64(x.F32[i*n])-low)/(high-low)))
	}
	if s.Classes() > 0 {
		labels = fetched(t, s, "label").I32
	} else if _, has := s.Fields()["label"]; has {
		t.Error("there are labels of no classes")
	}
	return s, first, labels
}

// refused expects an Error whose text and help hold what is wanted.
func refused(t *testing.T, set string, args schema.Arguments, split Split, summary, help string, folders ...string) {
	t.Helper()
	var e *Error
	if _, err := Open(t.Context(), set, args, split, folders); !errors.As(err, &e) || !strings.Contains(e.Error(), summary) || !strings.Contains(e.Help, help) {
		t.Errorf("%s %v: %v, want %q and %q", set, args, err, summary, help)
	}
}

// flat makes a picture file of one colour.
func flat(t testing.TB, name string, height, width int, c color.Color) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		m.Set(i%width, i/width, c)
	}
	var b bytes.Buffer
	var err error
	if filepath.Ext(name) == ".jpg" {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 100})
	} else {
		err = png.Encode(&b, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func grey(v byte) color.Color { return color.NRGBA{v, v, v, 255} }

func record(label byte, r, g, b byte) []byte {
	return slices.Concat([]byte{label}, bytes.Repeat([]byte{r}, 1024), bytes.Repeat([]byte{g}, 1024), bytes.Repeat([]byte{b}, 1024))
}

func TestCIFAR10(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		write(t, filepath.Join(dir, "cifar10", "cifar-10-batches-bin", fmt.Sprintf("data_batch_%d.bin", i+1)), record(byte(i), byte(10*i), 200, 100))
	}
	write(t, filepath.Join(dir, "cifar10", "cifar-10-batches-bin", "test_batch.bin"), slices.Concat(record(9, 1, 2, 3), record(8, 4, 5, 6)))
	s, first, labels := opened(t, "cifar10", nil, Train, dir)
	if !bytes.Equal(first, []byte{0, 10, 20, 30, 40}) || !slices.Equal(labels, []int32{0, 1, 2, 3, 4}) || !s.Fields()["image"].Equal(graph.Real(3, 32, 32)) {
		t.Errorf("%d, %d, %v", first, labels, s.Fields())
	}
	x := fetched(t, s, "image").Logical()
	if got := []float64{x[0], x[1024], x[2048]}; got[0] != 0 || float32(got[1]) != float32(200.0/255) || float32(got[2]) != float32(100.0/255) {
		t.Errorf("red, green and blue are %v", got)
	}
	if c := s.Image(1).At(3, 3); c != (color.NRGBA{10, 200, 100, 255}) {
		t.Errorf("a pixel looks like %v", c)
	}
	if mean := s.Mean("image"); mean[5] != 20.0/255 || mean[1024+5] != 200.0/255 {
		t.Errorf("the means of red and green are %v and %v", mean[5], mean[1024+5])
	}
	if _, first, labels = opened(t, "cifar10", schema.Arguments{"classes": ints(8), "channels": number(1)}, Test, dir); !bytes.Equal(first, []byte{5}) || labels[0] != 8 {
		t.Errorf("%d, %d", first, labels) // 0.299*4 + 0.587*5 + 0.114*6 is 4.8
	}
	if err := os.Remove(filepath.Join(dir, "cifar10", "cifar-10-batches-bin", "data_batch_3.bin")); err != nil {
		t.Fatal(err)
	}
	refused(t, "cifar10", nil, Train, "data_batch_3.bin cannot be used", "replace it", dir)
	refused(t, "cifar10", nil, Train, "its files are not there", "put cifar-10-binary.tar.gz", t.TempDir())
	python := t.TempDir()
	write(t, filepath.Join(python, "cifar-10-python.tar.gz"), nil)
	refused(t, "cifar10", nil, Train, "pickles could run a program", "put cifar-10-binary.tar.gz", python)
}

func TestEMNISTLetters(t *testing.T) {
	dir := t.TempDir()
	letters := make([]byte, 784)
	letters[1] = 77 // below the first pixel, since columns come first
	write(t, filepath.Join(dir, "emnist_letters", "emnist-letters-train-images-idx3-ubyte"), slices.Concat([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28}, letters))
	labels := filepath.Join(dir, "emnist_letters", "emnist-letters-train-labels-idx1-ubyte")
	write(t, labels, []byte{0, 0, 8, 1, 0, 0, 0, 1, 26})
	s, _, got := opened(t, "emnist_letters", nil, Train, dir)
	if got[0] != 25 || s.Classes() != 26 || s.pixels[28] != 77 || s.pixels[1] != 0 {
		t.Errorf("label %d of %d, pixels %d and %d", got, s.Classes(), s.pixels[28], s.pixels[1])
	}
	write(t, labels, []byte{0, 0, 8, 1, 0, 0, 0, 1, 0})
	refused(t, "emnist_letters", nil, Train, "label 1 is 0, and the classes are 1 to 26", "replace it", dir)
}

// Faces are those of the part that the list says, or by their numbers those as published; the middle of them is cut out.
func TestCelebA(t *testing.T) {
	dir := t.TempDir()
	for i, n := range []int{1, 2, 162_770, 162_771, 182_637, 182_638} {
		name := fmt.Sprintf("%06d.jpg", n)
		write(t, filepath.Join(dir, "celeba", "img_align_celeba", name), flat(t, name, 218, 178, grey(byte(10+20*i))))
	}
	s, first, labels := opened(t, "celeba", nil, Train, dir)
	if !bytes.Equal(first, []byte{10, 30, 50}) || labels != nil || !s.Fields()["image"].Equal(graph.Real(3, 64, 64)) || len(s.Fields()) != 1 {
		t.Errorf("%d, %d, %v", first, labels, s.Fields())
	}
	if _, first, _ := opened(t, "celeba", nil, Test, dir); !bytes.Equal(first, []byte{110}) {
		t.Errorf("held out are %d", first)
	}
	list := filepath.Join(dir, "celeba", "list_eval_partition.txt")
	write(t, list, []byte("000001.jpg 2\n000002.jpg 0\n182638.jpg 0\n162771.jpg 1\n"))
	if _, first, _ := opened(t, "celeba", nil, Train, dir); !bytes.Equal(first, []byte{30, 110}) {
		t.Errorf("the list leaves %d", first)
	}
	if _, first, _ := opened(t, "celeba", schema.Arguments{"channels": number(1), "take": number(1)}, Test, dir); !bytes.Equal(first, []byte{10}) {
		t.Errorf("the list holds out %d", first)
	}
	write(t, list, []byte("000001.jpg 0\n000003.jpg 0\n000004.jpg 0\n"))
	refused(t, "celeba", nil, Train, "000003.jpg is missing, which "+list+" lists", "replace it", dir)
	write(t, list, []byte("000001.jpg 3\n"))
	refused(t, "celeba", nil, Train, "line 1 is \"000001.jpg 3\"", "replace it", dir)
	write(t, list, []byte("image_id,partition\n000001.jpg,0\n000002.jpg,2\n"))
	write(t, filepath.Join(dir, "celeba", "img_align_celeba", "000001.jpg"), flat(t, "000001.jpg", 100, 100, grey(1)))
	refused(t, "celeba", nil, Train, "a picture of 100x100 is too small to cut 148x148 out of it", "make `crop` smaller", dir)
	write(t, filepath.Join(dir, "celeba", "img_align_celeba", "000001.jpg"), []byte("\xff\xd8\xff"))
	refused(t, "celeba", nil, Train, "000001.jpg is torn", "replace it", dir)
	refused(t, "celeba", nil, Train, "its files are not there", "put img_align_celeba.zip", t.TempDir())
}

func FuzzPartition(f *testing.F) {
	for _, s := range []string{"000001.jpg 0\n000002.jpg 2\n", "image_id,partition\nx,1\n", "a 0\na 0\n", "a 7", "\x00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := parsePartition(strings.NewReader(s))
		if err != nil {
			return
		}
		for name, n := range parts {
			if n < 0 || n > 2 || !strings.Contains(s, name) {
				t.Errorf("%q is in part %d", name, n)
			}
		}
	})
}

func TestLSUN(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lsun", "bedroom_train", "a", "1.png"), flat(t, "1.png", 90, 120, grey(50)))
	write(t, filepath.Join(dir, "lsun", "church_outdoor_val", "2.png"), flat(t, "2.png", 120, 90, grey(60)))
	if s, first, _ := opened(t, "lsun", nil, Train, dir); !bytes.Equal(first, []byte{50}) || !s.Fields()["image"].Equal(graph.Real(3, 64, 64)) {
		t.Errorf("%d, %v", first, s.Fields())
	}
	if _, first, _ := opened(t, "lsun", schema.Arguments{"category": text("church_outdoor")}, Test, dir); !bytes.Equal(first, []byte{60}) {
		t.Errorf("%d", first)
	}
	refused(t, "lsun", nil, Test, "the test part of `bedroom` is missing", "CATEGORY_val", dir)
	write(t, filepath.Join(dir, "lsun", "tower_train_lmdb", "data.mdb"), nil)
	refused(t, "lsun", schema.Arguments{"category": text("tower")}, Train, "is an LMDB database, which is not read", "LSUN's own tool exports them", dir)
}

// What is held out of files with one part is every tenth example, and train and test are all of them.
func TestArraysOfTheSpec(t *testing.T) {
	dir := t.TempDir()
	images, labels := []byte{0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1}, []byte{0, 0, 8, 1, 0, 0, 0, 20}
	for i := range byte(20) {
		images, labels = append(images, i, 0), append(labels, i%5)
	}
	write(t, filepath.Join(dir, "own", "x.idx"), images)
	write(t, filepath.Join(dir, "own", "y.idx"), labels)
	args := schema.Arguments{"images": text("own/x.idx"), "labels": text("own/y.idx"), "size": size(2, 1), "label_count": number(5)}
	with := func(name string, v schema.Value) schema.Arguments {
		out := schema.Arguments{name: v}
		for k, v := range args {
			if _, is := out[k]; !is {
				out[k] = v
			}
		}
		return out
	}
	if _, first, labels := opened(t, "idx", args, Train, dir); len(first) != 18 || first[8] != 8 || first[9] != 10 || labels[9] != 0 {
		t.Errorf("%d, %d", first, labels)
	}
	if _, first, _ := opened(t, "npy", args, Test, dir); !bytes.Equal(first, []byte{9, 19}) {
		t.Errorf("%d are held out", first)
	}
	if _, first, _ := opened(t, "idx", with("held", number(7)), Test, dir); !bytes.Equal(first, []byte{6, 13}) {
		t.Errorf("%d are held out", first)
	}
	if _, first, labels := opened(t, "idx", with("balance", truth(true)), Train, dir); len(first) != 10 || labels[0] != 0 || labels[9] != 4 {
		t.Errorf("balanced to %d of %d", first, labels) // classes 4 have lost two of four to the test part
	}
	balanced := with("balance", truth(true))
	balanced["take"] = number(5)
	if _, first, _ := opened(t, "idx", balanced, Train, dir); !bytes.Equal(first, []byte{0, 1, 2, 3, 4}) {
		t.Errorf("balanced to %d", first)
	}
	balanced["take"] = number(15)
	refused(t, "idx", balanced, Train, "`balance` wants 3 examples of each class, and there are 2 of class 4", "make `take` smaller", dir)
	balanced = with("label_count", number(6))
	balanced["balance"] = truth(true)
	refused(t, "idx", balanced, Train, "a class has no example", "name those that have some", dir)
	refused(t, "idx", with("label_count", number(4)), Train, "label 5 is 4, and the classes are 0 to 3", "write `label_count = 5` or more", dir)
	refused(t, "idx", with("images", text("own/z.idx")), Train, "`own/z.idx` is not there (searched: "+dir+", .)", "from the root on", dir)
	both := with("test_images", text("own/x.idx"))
	both["test_labels"] = text("own/y.idx")
	if _, first, _ := opened(t, "idx", both, Test, dir); len(first) != 20 {
		t.Errorf("%d are held out", first)
	}
	archive, err := os.ReadFile("stored/testdata/all.npz")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "all.npz"), archive)
	refused(t, "npy", with("images", text("all.npz")), Train, "`all.npz` holds several arrays: x_train, y_train", "name one, as in `all.npz/x_train`", dir)
	if _, first, labels := opened(t, "npy", schema.Arguments{"images": text("all.npz/x_train"), "labels": text("all.npz/y_train"), "size": size(2, 4)}, Train, dir); !bytes.Equal(first, []byte{0, 40, 80}) || !slices.Equal(labels, []int32{7, 0, 9}) {
		t.Errorf("%d, %d", first, labels)
	}
}

// Class folders number the labels, of the test part as of the training part.
func TestImagesOfTheSpec(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "test/dog/1.png"} {
		write(t, filepath.Join(dir, "pets", name), flat(t, name, 20, 30+i, grey(byte(100+i))))
	}
	args := schema.Arguments{"folder": text("pets"), "size": size(8, 8), "label_count": number(2)}
	if s, first, labels := opened(t, "images", args, Train, dir); !bytes.Equal(first, []byte{100, 101, 102}) || !slices.Equal(labels, []int32{0, 1, 1}) || !s.Fields()["image"].Equal(graph.Real(3, 8, 8)) {
		t.Errorf("%d, %d, %v", first, labels, s.Fields())
	}
	if _, first, labels := opened(t, "images", args, Test, dir); !bytes.Equal(first, []byte{103}) || labels[0] != 1 {
		t.Errorf("%d, %d", first, labels)
	}
	if _, first, labels := opened(t, "images", schema.Arguments{"folder": text("pets/train/dog"), "test": text("pets/test"), "size": size(8, 8)}, Train, dir); !bytes.Equal(first, []byte{101, 102}) || labels != nil {
		t.Errorf("%d, %d", first, labels)
	}
	for i, name := range []string{"a.bmp", "b.TIFF", "notes.txt"} {
		write(t, filepath.Join(dir, "pets", "train", "dog", name), []byte("x"))
		s, err := Open(t.Context(), "images", args, Train, []string{dir})
		want := []string{"train/dog/a.bmp is passed over: PNG", "2 pictures such as train/dog/a.bmp are passed over: PNG", "2 pictures"}[i]
		if err != nil || s.Len() != 3 || !strings.HasPrefix(s.PassedOver(), want) {
			t.Errorf("beside %s: %v, %q", name, err, s.PassedOver())
		}
	}
	write(t, filepath.Join(dir, "pets", "test", "cow", "1.png"), flat(t, "1.png", 9, 9, grey(1)))
	refused(t, "images", args, Test, "`cow`, which the training part has not", "a folder of its own", dir)
	write(t, filepath.Join(dir, "pets", "train", "0.png"), flat(t, "0.png", 9, 9, grey(1)))
	refused(t, "images", args, Train, "train/0.png is in no folder of a class", "leave out `label_count`", dir)
	refused(t, "images", schema.Arguments{"folder": text("pets"), "size": size(8, 8), "label_count": number(1)}, Train, "in no folder", "", dir)
	for _, n := range []float64{1, 3} {
		refused(t, "images", schema.Arguments{"folder": text("pets/test"), "size": size(8, 8), "label_count": number(n)}, Train, "images of 2 classes, `cow`, `dog`, and `label_count` is "+fmt.Sprint(n), "write `label_count = 2`", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused(t, "images", schema.Arguments{"folder": text("empty"), "size": size(8, 8)}, Train, "it holds no images", "replace it", dir)
}

// A folder of images that is called as a part is one, with others or alone, and never a class.
func TestPartsOfAFolder(t *testing.T) {
	for _, c := range []struct {
		files       string
		train, test []byte // first pixels: numbers of files
		summary     string // of what is refused
		help        string
	}{
		{"train/a/ train/b/ test/a/", []byte{1, 2}, []byte{3}, "", ""},
		{"train/a/ train/b/ valid/a/", []byte{1, 2}, []byte{3}, "", ""},
		{"train/a/ train/b/ val/a/ test/b/", []byte{1, 2}, []byte{4}, "", ""},
		{"train/a/ train/b/ train/b/", []byte{1, 2}, []byte{3}, "", ""}, // every third is held out
		{"a/ b/ b/", []byte{1, 2}, []byte{3}, "", ""},
		{"train/a/ train/b/ c/", nil, nil, "has a folder `train`, which is a part, and images beside it: `c`", "read that part alone, `\"own/train\"`"},
		{"test/a/ test/b/", nil, nil, "has a folder `test`, which is a part and no class", "name the folder that the classes are in"},
		{"a/ valid/", nil, nil, "has a folder `valid`, which is a part and no class", "or call the folder something else"},
	} {
		dir := t.TempDir()
		for i, folder := range strings.Fields(c.files) {
			write(t, filepath.Join(dir, "own", folder, fmt.Sprint(i, ".png")), flat(t, "x.png", 8, 8, grey(byte(i+1))))
		}
		args := schema.Arguments{"folder": text("own"), "size": size(8, 8), "label_count": number(2), "held": number(3)}
		if c.summary != "" {
			refused(t, "images", args, Train, c.summary, c.help, dir)
			continue
		}
		if _, first, labels := opened(t, "images", args, Train, dir); !bytes.Equal(first, c.train) || !slices.Equal(labels, []int32{0, 1}) {
			t.Errorf("%s: %d of classes %d are trained on", c.files, first, labels)
		}
		if _, first, _ := opened(t, "images", args, Test, dir); !bytes.Equal(first, c.test) {
			t.Errorf("%s: %d are held out", c.files, first)
		}
	}
	// What is held out elsewhere leaves the part of the training what it is.
	dir := t.TempDir()
	for i, folder := range []string{"tv/train/a", "tv/train/b", "tv/valid/a", "shapes/test/b"} {
		write(t, filepath.Join(dir, folder, fmt.Sprint(i, ".png")), flat(t, "x.png", 8, 8, grey(byte(i+1))))
	}
	args := schema.Arguments{"folder": text("tv"), "test": text("shapes/test"), "size": size(8, 8), "label_count": number(2)}
	if _, first, _ := opened(t, "images", args, Train, dir); !bytes.Equal(first, []byte{1, 2}) {
		t.Errorf("%d are trained on", first)
	}
	if _, first, labels := opened(t, "images", args, Test, dir); !bytes.Equal(first, []byte{4}) || labels[0] != 1 {
		t.Errorf("%d of classes %d are held out", first, labels)
	}
}

// A frame, what is cut out and the way of resizing are as asked: the middle pixel of 3x3 is cut out, framed and grown.
func TestFrame(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.idx"), []byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 3, 9, 9, 9, 9, 240, 9, 9, 9, 9})
	args := schema.Arguments{"images": text("x.idx"), "size": size(3, 3), "crop": size(1, 1), "pad": number(1)}
	s, _, _ := opened(t, "idx", args, Train, dir)
	if want := []byte{0, 0, 0, 0, 240, 0, 0, 0, 0}; !bytes.Equal(s.pixels, want) {
		t.Errorf("pixels %d, want %d", s.pixels, want)
	}
	args["size"] = size(4, 4)
	// Across, the middle row 0 240 0 becomes 0 150 150 0: pixels lie 3/8 from the middle one. The rest is the same downwards.
	s, _, _ = opened(t, "idx", args, Train, dir)
	if want := []byte{0, 0, 0, 0, 0, 94, 94, 0, 0, 94, 94, 0, 0, 0, 0, 0}; !bytes.Equal(s.pixels, want) {
		t.Errorf("pixels %d, want %d", s.pixels, want)
	}
	args["size"], args["resize"] = size(1, 1), text("bilinear")
	// The triangle of 3 old pixels to each side weighs them 2/7, 3/7 and 2/7: 240 * 3/7 is 103, of which 3/7 is 44.
	if s, _, _ = opened(t, "idx", args, Train, dir); !bytes.Equal(s.pixels, []byte{44}) {
		t.Errorf("pixels %d, want 44", s.pixels)
	}
}

// Images are decoded once: what is kept is used as long as files, sizes and examples are the same, and made anew where it is damaged.
func TestDecodedOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "own", "1.png")
	write(t, file, flat(t, file, 9, 9, grey(5)))
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	args := schema.Arguments{"folder": text("own"), "size": size(4, 4), "held": number(2)}
	kept := func(want int) []string {
		t.Helper()
		folder, err := cacheFolder()
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(files) != want {
			t.Errorf("%d files are kept, want %d, %v", len(files), want, err)
		}
		return files
	}
	first, _, _ := opened(t, "images", args, Train, dir)
	path := kept(1)[0]
	// The same name, size and time: what is kept is believed.
	replaced := flat(t, file, 9, 9, grey(6))
	if int64(len(replaced)) != info.Size() {
		t.Fatalf("pictures of %d and %d bytes", info.Size(), len(replaced))
	}
	write(t, file, replaced)
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if again, _, _ := opened(t, "images", args, Train, dir); again.Hash() != first.Hash() {
		t.Error("an image was decoded a second time")
	}
	// Damaged, it is made anew, out of what the file holds by now.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{slices.Concat([]byte{b[0] ^ 1}, b[1:]), b[:len(b)-1], {}} {
		write(t, path, damaged)
		if s, got, _ := opened(t, "images", args, Train, dir); !bytes.Equal(got, []byte{6}) || s.Hash() == first.Hash() {
			t.Errorf("what is damaged gives %d", got)
		}
	}
	// Another range takes the same file, another size or time of the image another.
	args["range"] = span(-1, 1)
	opened(t, "images", args, Train, dir)
	kept(1)
	args["size"] = size(5, 5)
	opened(t, "images", args, Train, dir)
	kept(2)
	if err := os.Chtimes(file, info.ModTime(), info.ModTime().Add(1)); err != nil {
		t.Fatal(err)
	}
	opened(t, "images", args, Train, dir)
	kept(3)
	if freed, err := Forget(); err != nil || freed != int64(48+75+75+3*trailer) {
		t.Errorf("%d bytes freed, %v", freed, err)
	}
	kept(0)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(file, "no folder"))
	refused(t, "images", args, Train, "decoded images cannot be kept in", "XDG_CACHE_HOME", dir)
}

// What is in order in the files is in order in the set, however many goroutines decode it, and more than a block of it.
func TestManyImages(t *testing.T) {
	dir := t.TempDir()
	for i := range block + 9 {
		write(t, filepath.Join(dir, "own", fmt.Sprintf("%04d.png", i)), flat(t, ".png", 1, 1, grey(byte(i))))
	}
	_, first, _ := opened(t, "images", schema.Arguments{"folder": text("own"), "size": size(1, 1), "held": number(1000), "channels": number(1)}, Train, dir)
	for i, v := range first {
		if v != byte(i) {
			t.Fatalf("image %d is %d", i, v)
		}
	}
	if len(first) != block+9 {
		t.Errorf("%d images", len(first))
	}
	// The first of several that are wrong is told.
	for _, i := range []int{200, 7, 8} {
		write(t, filepath.Join(dir, "own", fmt.Sprintf("%04d.png", i)), []byte("nothing"))
	}
	refused(t, "images", schema.Arguments{"folder": text("own"), "size": size(1, 1)}, Train, "0007.png cannot be used", "replace it", dir)
}

// The archive that is published, in whose folder batches are in no order, is read as it is.
func TestCIFAR10InOneFile(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i, name := range []string{"test_batch", "data_batch_5", "data_batch_2", "data_batch_4", "data_batch_3", "data_batch_1"} {
		body := record(byte(i), byte(i), 0, 0)
		if err := w.WriteHeader(&tar.Header{Name: "cifar-10-batches-bin/" + name + ".bin", Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write(body)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "cifar10", "cifar-10-binary.tar.gz"), b.Bytes())
	if _, first, labels := opened(t, "cifar10", nil, Train, dir); !bytes.Equal(first, []byte{5, 2, 4, 3, 1}) || !slices.Equal(labels, []int32{5, 2, 4, 3, 1}) {
		t.Errorf("%d, %d", first, labels)
	}
	if _, first, _ := opened(t, "cifar10", nil, Test, dir); !bytes.Equal(first, []byte{0}) {
		t.Errorf("%d", first)
	}
}
