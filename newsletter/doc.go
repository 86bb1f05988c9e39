// Package newsletter holds the words of the trade: items that come in, windows
// that choose them, and the issues made of them, with the store that keeps all three.
package newsletter
