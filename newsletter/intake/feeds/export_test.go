package feeds

// HeapWhile is for the tests of the package's outside.
var HeapWhile = heapWhile
