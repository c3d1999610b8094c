// Package record keeps the run folder: what a run was asked, what happened, what came out.
//
// The main type is Folder, made by Open, which holds the folder's lock until Close. Names in the folder are fixed:
//
//	spec/            the spec and its imports as run, under their paths relative to the folder of the spec
//	programs/        NAME.txt: the Program of each model, as text
//	events.jsonl     what happened, one Event a line
//	checkpoints/     runtime/checkpoint writes and reads them
//	samples/         NAME.png, a sheet that a person sees, and NAME.npy, the numbers that it shows
//	metrics.json     Metrics: figures by action
//	actions.json     ActionRecord by action: what is done, and what it was a function of
//	models.json      Models: parameters, time steps and what a sample takes, of each model
//	deploy/*.json    how a model's networks lie on a chip and what that did (Deployment), with sheets beside
//	report.html      the run on one page; needs no network
//	lock             the process that is at work here
//
// All files but two are written whole (runtime/record/wholefile): events.jsonl grows by lines, of which a torn one is dropped
// when it is read, and lock is the operating system's. Open removes what interrupted writes have left behind. Since whole files are
// only ever replaced, one may be a file of two run folders at once (Folder.TakeFiles).
//
// Of ours it imports plugins/schema and runtime/record/wholefile; runtime/experiment and the commands import it.
package record
