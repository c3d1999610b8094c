package host

// Processes returns the ids of the plugin processes that have shaken hands.
func (h *Host) Processes() (out []int) {
	for _, p := range h.Running() {
		out = append(out, p.ID)
	}
	return out
}

// Folder returns the private folder; "" before a process was started.
func (h *Host) Folder() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.folder == nil {
		return ""
	}
	return h.folder.path
}

// Shared returns the private folder of arenas; "" before there was one.
func (h *Host) Shared() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shared == nil {
		return ""
	}
	return h.shared.path
}

// WithoutNamespaces makes the host take it that the system refuses plugins namespaces of their own.
func (h *Host) WithoutNamespaces() { h.sandbox.shared.Store(true) }
