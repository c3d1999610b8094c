package mapping

// maxOpen bounds how many cores with room are looked through for a tile.
const maxOpen = 256

// pack puts tiles into cores: each into the first core of its circuit that has room.
func (m *Map) pack() {
	var open []int
	circuit := -1
	for _, l := range m.Layers {
		if l.Circuit != circuit {
			circuit, open = l.Circuit, nil
		}
		for _, t := range l.Tiles {
			t.Core = -1
			for _, i := range open {
				if c := m.Cores[i]; c.Axons+t.axons <= Axons && c.Neurons+t.copies <= Neurons {
					t.Core = i
					break
				}
			}
			if t.Core < 0 {
				t.Core = len(m.Cores)
				m.Cores = append(m.Cores, &Core{Circuit: circuit})
				if open = append(open, t.Core); len(open) > maxOpen {
					open = open[1:]
				}
			}
			c := m.Cores[t.Core]
			t.First, t.Base = c.Axons, c.Neurons
			c.Axons += t.axons
			c.Neurons += t.copies
			c.Tiles = append(c.Tiles, t)
		}
	}
	m.Chips = (len(m.Cores) + ChipCores - 1) / ChipCores
}
