package host

// Processes returns the ids of the plugin processes that have shaken hands.
func (h *Host) Processes() []int {
	h.mu.Lock()
	var all []*served
	for _, s := range h.plugins {
		all = append(all, s)
	}
	h.mu.Unlock()
	var out []int
	for _, s := range all {
		s.lock <- struct{}{}
		if s.now != nil && !s.now.over() {
			s.now.mu.Lock()
			out = append(out, s.now.pid)
			s.now.mu.Unlock()
		}
		<-s.lock
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
