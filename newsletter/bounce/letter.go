package bounce

import (
	"regexp"
	"strings"
)

// complaint reads a feedback report (RFC 5965), or one of the older forms.
func (m *mail) complaint(r *Report) bool {
	var feedback header
	for _, p := range m.parts {
		if !p.inner && strings.HasSuffix(p.media, "feedback-report") {
			feedback, _ = readHeader([]byte(strings.TrimLeft(p.body, "\n")))
		}
	}
	who := m.header.get("X-HmXmrOriginalRecipient") // Outlook.com's junk mail reports
	if who == "" {
		who = m.returned.get("X-HmXmrOriginalRecipient")
	}
	from := strings.ToLower(firstAddress(m.header.get("From")))
	switch {
	case feedback != nil:
	case who != "", strings.HasPrefix(from, "staff@hotmail.com"), strings.Contains(strings.ToLower(m.subject), "complaint about message from"),
		strings.HasPrefix(from, "feedbackloop@") || strings.HasPrefix(from, "fbl@"), m.header.get("X-Loop") == "scomp":
	default:
		return false
	}
	r.Feedback = strings.ToLower(feedback.get("Feedback-Type"))
	r.Kind = Complaint
	switch r.Feedback {
	case "auth-failure", "dmarc", "not-spam": // RFC 6591: about our signature; RFC 6430: the opposite
		r.Kind = Other
	}
	for _, name := range []string{"Original-Rcpt-To", "Redacted-Address", "Removal-Recipient"} {
		for _, v := range feedback.all(name) {
			r.accuse(typed(v))
		}
	}
	if len(r.Recipients) == 0 {
		r.accuse(firstAddress(who))
	}
	for _, name := range []string{"X-Original-To", "Delivered-To", "X-Failed-Recipients", "Envelope-To", "To"} {
		if len(r.Recipients) == 0 {
			r.accuse(firstAddress(words(m.returned.get(name))))
		}
	}
	if len(r.Recipients) == 0 {
		for _, a := range m.readers(findAddresses(m.said)) {
			r.accuse(a)
			break
		}
	}
	return true
}

// accuse adds whom a complaint is about. Redacted addresses are kept as they are.
func (r *Report) accuse(address string) {
	if !strings.Contains(address, "@") || strings.HasSuffix(address, "@") {
		return
	}
	for _, to := range r.Recipients {
		if same(to.Address, address) {
			return
		}
	}
	r.Recipients = append(r.Recipients, Recipient{Address: address, Kind: r.Kind})
}

// Auto-replies, challenges and lists' own mail (fault B2).
var (
	away    = regexp.MustCompile(`(?i)\b(?:out[ -]of[ -](?:the )?office|auto(?:matic|mated)?[ -]?(?:reply|response|responder|antwort)|autoreply|autoresponse|vacation|away from (?:my|the) (?:mail|office|desk)|on (?:holiday|leave|annual leave)|abwesen\S*|automatische antwort|r[ée]ponse automatique|absence du bureau|respuesta autom[áa]tica|fuera de (?:la )?oficina|risposta automatica|fuori sede|resposta autom[áa]tica|automatisch antwoord|afwezig\S*|poza biurem|autom(?:atisk|atiskt) (?:svar|svar)|nieobecno\S*|automatyczna odpowied\S*|odpowied\S* automatyczn\S*)|автоответ|автоматическ\S* ответ|нет на месте|в отпуске|自動(?:返信|応答)|不在|自动(?:回复|答复)|自動回覆|자동 ?(?:응답|회신)|부재중|автоматты жауап`)
	approve = regexp.MustCompile(`(?i)(?:not (?:on my|pre-?approved|in my) ?(?:guest list)?|boxbe\.com|spamarrest\.com|bluebottle\.com)`)
	asks    = regexp.MustCompile(`(?i)(?:challenge[ /-]response|please (?:confirm|verify|authenticate) (?:your|that you|you)|confirm your (?:message|e-?mail|delivery)|sender (?:verification|authorization|address verification)|(?:message|mail) (?:is )?(?:awaiting|waiting for|held for) (?:your )?(?:approval|verification|confirmation|moderat)|spamarrest|boxbe|bluebottle|whitelist(?:ed)? (?:request|your)|action required to deliver)`)
)

// autoReply reports whether a person's mail system answers for them.
func (m *mail) autoReply() bool {
	if m.reported || m.header.get("X-Failed-Recipients") != "" {
		return false
	}
	auto := strings.ToLower(m.header.get("Auto-Submitted"))
	answered := strings.HasPrefix(auto, "auto-replied") || m.header.get("X-Autoreply") != "" || m.header.get("X-Autorespond") != "" || m.header.get("X-Autoresponder") != "" ||
		strings.EqualFold(m.header.get("X-Auto-Response-Suppress"), "all") || strings.EqualFold(m.header.get("Precedence"), "auto_reply") || m.header.get("X-Vacation") != ""
	if away.MatchString(m.subject) {
		return !failSubject.MatchString(m.subject)
	}
	if failSubject.MatchString(m.subject) || machine(firstAddress(m.header.get("From"))) && m.failing() {
		return false
	}
	return answered && !m.failingText()
}

// challenge reports whether somebody's filter wants to be answered first.
func (m *mail) challenge() bool {
	if approve.MatchString(m.said) {
		return true
	}
	if m.reported {
		return false
	}
	if m.header.get("List-Id") != "" && strings.Contains(strings.ToLower(m.subject), "digest") {
		return true
	}
	return asks.MatchString(m.subject) || asks.MatchString(m.said[:min(len(m.said), 2000)]) && !failSubject.MatchString(m.subject)
}

// unsubscribe reports whether the mail is what our List-Unsubscribe asks for.
func (m *mail) unsubscribe() bool {
	if m.reported {
		return false
	}
	s := strings.ToLower(strings.TrimSpace(m.subject))
	return s == "unsubscribe" || strings.HasPrefix(s, "unsubscribe ") && len(s) < 100
}

var failSubject = regexp.MustCompile(`(?i)(?:undeliver|unzustellbar|non[ -]?deliver|fail(?:ure|ed)\b|delivery (?:status|report|problem|error|notification|incomplete|delay)|returned? (?:mail|to sender|message|email)|mail (?:error|system error|returned)|could ?n.?t be delivered|not (?:be )?delivered|(?:could not|unable to|can.?t|cannot) (?:be )?(?:deliver|send)|rejected|bounced?\b|message delayed|delayed (?:mail|message)|warning: (?:could not|message)|user unknown|nondeliverable|mail ?box (?:full|is full|unavailable)|quota|nicht zugestellt|zustell|fehler|unzustell|non remis|échec|echec|non distribu|no se (?:ha )?(?:pudo|puede)|no (?:fue )?entregad|rechazad|devuelto|mancata consegna|não (?:foi )?entregue|onbestelbaar|niedostarczon|zwrot|не доставлен|недоставлен|невозможно доставить|ошибка|не удалось|жеткізілмеді|失敗|配信|配送|送信|エラー|退信|投递|无法|投遞|退回|반송|실패|undelivered|blocked|could not send|hard bounce|delivery warning|errors from |automatically rejected|delivery has failed)`)

var failText = regexp.MustCompile(`(?i)(?:could ?not (?:be )?(?:deliver|send|sent|process)|couldn.t (?:be )?(?:deliver|find)|(?:was|were|be|been|is|are) (?:not |un)(?:able to be )?(?:deliver|sent|reach)|unable to (?:deliver|send|relay|reach)|not (?:able to )?(?:be )?deliver|did not (?:reach|receive|get delivered)|deliver(?:y|ies|ing)?[^\n]{0,60}(?:fail|abort|problem|delay|error|unsuccess|not possible)|fail(?:ed|ure)[^\n]{0,40}(?:deliver|recipient|address|reason|deliver)|undeliver|(?:permanent|fatal|temporary|transient) (?:error|failure|fatal)|user unknown|unknown (?:user|recipient|local)|no such (?:user|mailbox|address|recipient|domain)|mailbox (?:is )?(?:full|unavailable|not found|disabled|unknown|exceed)|(?:over|exceed\S*) (?:the |its |allowed |their )?(?:quota|size|storage)|does(?: not|n.t) (?:exist|have an? )|(?:has been|was|been) (?:rejected|blocked|refused|returned|bounced)|rejected|5\d\d[ -]#?5\.\d\.\d|return(?:ed|ing) (?:mail|message|to sender)|konnte nicht|nicht zugestellt|unzustellbar|n.a pas pu|non remis|no se (?:pudo|puede|ha podido)|не (?:может быть|было|был|удалось)? ?доставлен|не удалось|невозможно|не существует|не найден|配信でき|送信でき|届け|エラー|失敗|存在しない|存在し|退信|无法|不存在|失败|失敗|전송|실패|may not exist|不具有|nie (?:mo|zosta)|wasn.t delivered|non è stato possibile|não foi|không)`)

// failing reports whether the mail says that another was not delivered.
func (m *mail) failing() bool {
	if m.reported || m.header.get("X-Failed-Recipients") != "" {
		return true
	}
	from := firstAddress(m.header.get("From"))
	empty := strings.TrimSpace(m.header.get("Return-Path")) == "<>"
	return failSubject.MatchString(m.subject) || (machine(from) || empty || m.returned != nil || from == "") && m.failingText()
}

func (m *mail) failingText() bool { return failText.MatchString(m.said) }

// warning reports whether the report only says that it takes longer.
func (m *mail) warning() bool {
	return late.MatchString(m.said) || strings.HasPrefix(strings.ToLower(m.subject), "warning: ") && strings.Contains(strings.ToLower(m.said), "still")
}

var late = regexp.MustCompile(`(?i)(?:warning message only|this is a warning (?:only|message)|do(?:es)? not need to resend|will (?:be retried|continue to|keep trying|retry)|has been delayed|delivery incomplete|still be attempted|has been postponed|будет повтор|wird weiter versucht)`)
