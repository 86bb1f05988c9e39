// Package subscribers keeps the people who asked for the newsletter: who they
// are, what they agreed to, and the links that let them change it.
//
// # The ways of a subscription
//
//	           Subscribe            Confirm             Pause
//	(nobody) ------------> pending ---------> active <-------> paused
//	                                 ^        |  |     Resume, Tend
//	                       Confirm   |        |  |
//	            unsubscribed <-------|--------+  +--> bounced, complained
//	                       Unsubscribe             SetStatus
//
// and from everywhere Suppress leads to suppressed and Erase to nothing at all.
// Only active subscribers are sent issues. Who left, bounced or complained comes
// back by their own Subscribe and Confirm, never by a list (Import, Add). Who is
// suppressed comes back not at all until an operator calls Unsuppress.
//
// # For a page or an API
//
// Addresses come through ParseAddress, whose AddressError says what is wrong;
// Meant says what was probably meant. Then:
//
//   - Subscribe and LostLink are what strangers may ask for. They do and answer
//     the same for every address, and return nil, a *LimitError (too many mails:
//     say 429 and its Until), a *WishError (one field of the form is wrong) or
//     what broke.
//   - Confirm takes the token of a confirmation letter, when a person pressed the
//     button and never on a GET. nil is subscribed, also the second time; ErrToken
//     is not one of ours; ErrExpired is too old or settled otherwise.
//   - Reader opens every other link: it gives the subscriber or ErrToken. A reader
//     whose Status is Erased has no more than an ID: show that they have left.
//   - OpenApplication is Confirm's look before it: it changes nothing.
//   - With a reader's ID: Leave, SetStatus, Pause, Resume, Choose (all that is on
//     the preferences page), ChangeAddress, Export, Erase, RevokeLinks.
//   - OpenChange and ConfirmChange take the tokens of the two letters of a change
//     of address; PendingChange.Done says that the second has confirmed it.
//   - Keys.Stamp and StampedAt say when a form was shown.
//   - Network cuts a visitor's address down to what a Consent may keep.
//
// # For whoever sends the letters
//
// What is to be mailed about a subscription waits in the database. NextLetter
// gives one Letter after the other with its Kind, address, language and token;
// LetterSent and LetterFailed settle it. Nothing that a stranger typed stands in
// a letter. Tend is called every minute: it ends pauses and deletes what nobody
// confirmed.
//
// # For whoever sends issues
//
// Active and Each give the readers. An issue is rendered once for each of Variants;
// VariantKey says which one a reader's row asks for.
//
// # What is kept
//
// The consent log is only ever added to and each entry is chained to the one
// before it with a key that is not in the database (Consents, Entry.Intact). It
// names nobody, so that it stays when its reader is erased. The suppression list
// holds keyed hashes of addresses and nothing else of them. Both keys come from
// the secret that the links are made from: who loses it loses the list.
package subscribers
