package bounce

// phrases are what servers and programs say, in lower case, in the order in which
// they are tried: what is sure before what is often said besides.
var phrases = []struct {
	class Class
	words []string
}{
	{Filtered, []string{"550 : user unknown", "550: : user unknown", "recipient preferences", "message filtered"}},
	{DomainUnknown, []string{"account or domain may not exist"}},
	{Network, []string{"host not found, try again"}},
	{SenderRejected, []string{
		"sender address rejected", "sender rejected", "domain of sender", "from: domain is invalid", "unroutable sender", "you are not a member", "may not have permission", "'send mail as'", "sender was rejected", "my name was rejected", "權限", "権限", "5.7.1 <*>... access denied",
	}},
	{MailboxFull, []string{
		"mailbox full", "full mailbox", "overdrawn", "enough space", "mailbox is full", "mailbox*is full", "mailfolder is full", "over quota", "overquota", "quota exceeded", "exceeded*quota", "exceeds*quota", "exceed*storage", "insufficient quota",
		"out of storage", "mailbox*exceed", "mail box full", "mail box*full", "mailbox*over its limit", "not enough disk space", "not enough storage", "exceeded the local limit", "account is full", "inbox is full", "inbox*full",
		"storage quota", "shutoffquota", "no space left for", "mailbox size limit", "over the maximum allowed", "over disk quota", "boite aux lettres pleine", "boîte*pleine", "postfach*voll", "postfach ist überf", "buzón*llen", "casilla*llena",
		"casella*piena", "переполнен", "превышен*квот", "ящик*заполнен", "メールボックスが一杯", "メールボックス*いっぱい", "容量", "空间不足", "邮箱已满", "信箱已滿", "已满", "용량", "pasta толып", "жәшік толы", "caixa*cheia",
		"skrzynka*pełna", "przepełniona",
	}},
	{Size, []string{
		"message too large", "message is too large", "message size exceeds", "exceeds*maximum message size", "message file too big", "exceeded*message size", "message too big", "size limit", "too large for this recipient",
		"recipsizelimit", "message length exceeds", "max message size", "larger than the*maximum", "maximum size", "header*too large", "message larger than", "mail too big", "nachricht*zu gro", "trop volumineux", "слишком большо", "exceeds the size", "too large to",
	}},
	{Rate, []string{
		"too many recipients this hour", "at a rate that prevents", "receiving mail too quickly", "receiving mail at a rate", "rate limit", "frequency limited", "too many connections", "too many concurrent", "connection rate", "too many messages", "sending rate",
		"too many recipients", "throttl", "too much mail", "unusual rate", "daily relay quota", "daily*limit",
	}},
	{MailboxMoved, []string{"mailbox has moved", "has moved", "no longer on server", "no longer at this", "not our customer", "not our user", "user has moved", "moved to a new", "new address is", "адрес*изменил", "change d'adresse"}},
	{Blocked, []string{
		"client host rejected", "client host blocked", "host blocked", "blacklist", "blocklist", "black list", "block list", "blocked using", "banned sending ip", "dnsbl", "spamhaus", "rbl", "sorbs", "spamcop", "spfbl", "ip reputation", "low reputation", "poor reputation", "sender reputation",
		"bad reputation", "user complaints", "messages from*weren't sent", "ip source bloq", "not accepting connections", "open relay", "blocked for abuse", "ip address*block", "sending ip", "service refus", "your isp", "senderscore", "blocked by", "is not allowed to connect", "access from ip", "ваш ip", "ip-адрес",
	}},
	{Auth, []string{
		"spf record", "spf check", "spf fail", "dmarc", "dkim", "unauthenticated", "authentication checks", "authentication information", "required authentication level", "reverse dns", "ptr record", "rdns", "missing ptr", "reverse lookup", "no ptr", "cannot resolve your", "cannot find your hostname", "sender id", "purported responsible", "fcrdns", "dns ptr",
	}},
	{NoMail, []string{
		"does not accept mail", "nullmx", "null mx", "no mx found", "no mx record", "mx or srv record indicated no smtp", "couldn't find a mail exchanger", "couldn't find any mail exchanger", "not accepting network messages", "smtp protocol returned a permanent error 556", "doesn't accept mail", "does not accept e", "does not handle mail", "mail server*not found", "null*mx record",
	}},
	{MailboxInactive, []string{
		"account*disabled", "account*inactive", "mailbox*disabled", "mailbox*inactive", "user*disabled", "user is inactive", "account*suspended", "user*suspended", "mailbox*suspended", "account*locked", "temporary locked", "mailbox*frozen", "is frozen", "compte*bloque", "account is blocked", "disabled recipient",
		"deactivated", "account has been", "account*closed", "not active", "discontinued", "account expired", "mailbox*blocked", "konto*gesperrt", "konto*deaktiviert", "заблокирован", "отключен", "неактивн", "停用", "无效用户", "暂停", "休眠", "휴면", "cuenta*desactivada", "account is not activated", "ha expirado",
	}},
	{MailboxUnknown, []string{
		"recipnotfound", "recipientnotfound", "recipient not found by", "recipient address rejected: access denied", "unknown recipient", "recipient unknown", "invalid recipient", "address not found", "address couldn't be found", "not listed in", "not listed", "no such recipient", "no such mailbox", "no such person", "no such address", "no such email", "no such account",
		"invalid final delivery userid", "unknown or illegal", "no mailbox here", "mailbox not found", "mailbox does not exist", "mailbox unknown", "unknown mailbox", "invalid mailbox", "mailbox doesn't exist", "user doesn't exist", "user does not exist", "user not found", "not found in directory", "not our user", "recipient address rejected.", "(and other recipients in the same domain)", "is not an active address", "bad_recipient",
		"does not exist here", "account*does not exist", "account*doesn't exist", "doesn't have a", "does not have a*account", "address*does not exist", "address*doesn't exist", "recipient*does not exist", "email*does not exist", "inactive email address", "address unknown", "unknown address", "invalid user", "invalid address", "address is invalid", "bad destination mailbox", "bad address", "no valid recipients", "illegal alias", "unknown local",
		"unknown user:", "local user unknown", "unknown account", "account not found", "user*isn't in my", "not a known user", "not known here", "isn't a valid", "is not a valid mailbox", "is not a valid user", "is not a valid address", "check if address is correct", "possibly incorrect", "adresse*invalide", "destinataire*inconnu", "utilisateur inconnu", "destinatario*desconocid", "usuario desconocido", "no existe", "buzón*no", "usuário desconhecido", "não existe", "utente sconosciuto", "non esiste",
		"empfänger unbekannt", "unbekannter empfänger", "benutzer*unbekannt", "empfänger*nicht gefunden", "adresse*nicht gefunden", "existiert nicht", "nicht bekannt", "nie istnieje", "nie ma takiego", "nieznany", "bestaat niet", "onbekende", "нет такого", "не существует", "не найден", "пользователь*неизвестен", "неизвестный", "несуществующ", "адрес*неверный", "табылмады", "жоқ мекенжай",
		"宛先*存在し", "ユーザ*見つか", "ユーザーが", "見つかりません", "存在しない", "ディレクトリのリストにありません", "不存在", "用户未找到", "无此用户", "找不到", "查無此", "존재하지", "recipient*not exist", "addressee unknown", "mailbox unavailable or", "user*not known", "name of email address", "unrouteable mail domain", "email address could not be found", "no account by that name", "no local mailbox", "user unknown in", "user invalid", "recipient rejected", "unroutable address for",
		"user unknown", "unknown user", "no such user", "user not exist", "mailbox unavailable",
	}},
	{DomainUnknown, []string{
		"host unknown", "unknown host", "domain does not exist", "no such domain", "domain not found", "host or domain name not found", "invalid domain", "illegal host", "couldn't find any host", "unrouteable address", "unroutable address", "dns lookup failure: host", "account or domain may not exist", "bad destination system", "domain*couldn't be found because", "no such host", "nonexistent domain", "nxdomain", "domain isn't",
		"host not found", "name or service not known", "domain*nicht gefunden", "unbekannte domain", "domaine*inconnu", "домен*не существует", "домен*не найден", "dominio*no existe", "host name is unknown", "could not be delivered to the recipient because the domain", "routing issue", "domain*is not reachable", "domain name*not found", "unknown domain",
	}},
	{Virus, []string{"virus", "malware", "infected", "mcspamsignature"}},
	{Spam, []string{"spam", "unsolicited", "junk mail", "bulk mail", "ube,", "content rejected", "scored as", "blacklisted url", "uribl", "surbl", "suspicious", "phish", "спам", "垃圾", "low trust", "mail rejete"}},
	{Relay, []string{"relay access denied", "relaying denied", "relay denied", "no relaying", "not permitted to relay", "unable to relay", "not configured to relay", "relay not permitted", "relaying not", "insecure mail relay", "rcpthosts", "not a relay", "is not verified", "relay mail", "relaying mail"}},
	{SenderRejected, []string{"sender*denied", "sender verify", "sender*does not exist", "not allowed to send", "permission to post"}},
	{MailboxUnknown, []string{"does not exist", "doesn't exist"}},
	{ByPolicy, []string{"policy", "not allowed", "denied", "prohibited", "security reasons", "security issue", "violation", "refused by", "header error", "local configuration", "restricted", "rejected for", "not accepted"}},
	{Security, []string{"starttls", "tls", "authentication required", "authrequired", "auth required", "not authorized", "must issue", "encryption"}},
	{Network, []string{"connection refused", "no route to host", "network error", "lookup fail", "name server", "dns error", "dns query failed", "lost connection", "connection dropped", "was dropped", "loops back", "too many hops", "hop count", "mail loop", "routing loop", "network is unreachable", "host unreachable", "host is down", "hostname lookup", "host not reachable", "not responding", "name service error", "malformed or unexpected name server", "dns"}},
	{Expired, []string{"timed out", "timeout", "retry time", "expired", "in the queue too long", "giving up", "unable to deliver this message after", "could not deliver for the last", "not delivered within", "deferred", "establish an smtp connection", "temporar", "try again", "will be retried", "still undelivered", "attempts", "not accept our requests to connect"}},
	{Content, []string{"8-bit", "header field", "attachment", "mime", "content", "media error", "message format", "rfc 5322", "rfc5322", "rfc 2822", "duplicate header", "bare lf", "non-ascii", "line length", "non compliant", "not rfc"}},
	{System, []string{"system error", "internal error", "disk space", "mailer error", "configuration error", "local error", "queue file", "command died", "can't create", "pipe to", "transaction failed", "input/output", "resources"}},
	{Filtered, []string{"filter", "block"}},
}
