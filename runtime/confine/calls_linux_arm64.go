package confine

// Calls of metadata and outer that later architectures do not have.
var olderMetadata, olderOuter []uintptr
