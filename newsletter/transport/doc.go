// Package transport puts mail on the wire. An edition is built once with
// go-mail and kept as bytes; a reader's message is those bytes with the reader's
// own words spliced in; and connections, opened by go-mail, carry the messages
// over SMTP, pipelined where the relay allows it.
package transport
