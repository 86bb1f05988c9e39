// Package bounce reads what comes back: delivery reports, complaints, and the
// automatic answers that are neither.
//
// Parse is pure: bytes in, a Report out. It knows the standard forms (RFC 3464,
// 6522 and 6533 for delivery, RFC 5965 for complaints) and those of programs and
// providers that have their own. What it says is only a claim by whoever wrote the
// mail: Book acts on a report only where it carries a token that we made for
// a reader, or names a message that we sent (fault B1).
package bounce
