// Package compare lays the figures of several runs side by side.
//
// Read makes a Table of run folders: a Row for each model of a run and each way in which it was judged, and a Column for each
// recipe by which a figure was made. Figures of one name stand in one column only if they were made alike: by the same recipe, of as
// many samples, against the same split of the same data. Others get columns of their own, which say what is different. What is not
// finished or cannot be read is a row too, and says so.
//
// Text, Markdown, HTML and JSON write the table; equal folders give equal bytes. The HTML is one file with the sheets of samples in
// it.
//
// It reads folders by runtime/record, also those that another process is at work in, and needs neither specs nor plugins;
// cmd/snnc imports it.
package compare
