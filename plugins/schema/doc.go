// Package schema says how the components of plugins describe themselves: parameters, roles and choices, and the checked
// values that are passed back. It is plain data, imported by the checker, the host and the plugins alike.
package schema
