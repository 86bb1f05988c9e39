package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// ntpEpoch is the beginning of NTP's time, 1900, in Unix seconds.
const ntpEpoch = -2208988800

// clockOff asks an NTP server how far our clock is from its (RFC 4330).
func clockOff(ctx context.Context, server string, now func() time.Time) (time.Duration, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "udp", server)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	packet := make([]byte, 48)
	packet[0] = 4<<3 | 3 // version 4, client
	sent, began := now(), time.Now()
	if _, err := conn.Write(packet); err != nil {
		return 0, err
	}
	n, err := conn.Read(packet)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	if n < 48 || packet[0]&7 != 4 || packet[1] == 0 {
		return 0, errors.New("it gives no time")
	}
	seconds, fraction := binary.BigEndian.Uint32(packet[40:]), binary.BigEndian.Uint32(packet[44:])
	there := time.Unix(int64(seconds)+ntpEpoch, int64(fraction)*1e9>>32)
	return sent.Add(took / 2).Sub(there), nil
}

func (l *look) clock(ctx context.Context) []Finding {
	find := about("clock", "Slots, leases of several processes, Date headers and signatures go by it. A mail from the future is spam to many filters.")
	if l.TimeServer == "" {
		return nil
	}
	off, err := clockOff(ctx, l.TimeServer, l.Now)
	if err != nil {
		return []Finding{find(l.TimeServer, Note, "cannot be asked for the time: %v", err).do("see that the clock is kept by chrony, ntpd or systemd-timesyncd; doctor.time_server names another")}
	}
	shown := off.Abs().Round(time.Millisecond)
	switch {
	case off.Abs() > time.Minute:
		return []Finding{find(l.TimeServer, Failure, "the clock is off by %s", shown).do("set it, and have it kept: timedatectl set-ntp true")}
	case off.Abs() > 2*time.Second:
		return []Finding{find(l.TimeServer, Warning, "the clock is off by %s", shown).do("have it kept: timedatectl set-ntp true")}
	}
	return []Finding{find(l.TimeServer, Good, "the clock is off by %s", shown)}
}

func (l *look) zone(context.Context) []Finding {
	find := about("zone", "When an issue goes out is reckoned in this zone's wall-clock time.")
	z := l.Schedule.Zone()
	if z == nil {
		return nil
	}
	fresh, err := time.LoadLocation(z.String())
	if err != nil {
		return []Finding{find(z.String(), Failure, "has no data: %v", err).do("install tzdata, or take another binary: ours carry their own")}
	}
	now := l.Now()
	if _, a := now.In(z).Zone(); func() bool { _, b := now.In(fresh).Zone(); return a != b }() {
		return []Finding{find(z.String(), Warning, "its rules were changed while apta ran").do("restart apta")}
	}
	return []Finding{find(z.String(), Good, "is %s there", now.In(z).Format("15:04 -07:00"))}
}

func (l *look) cron(context.Context) []Finding {
	find := about("schedule", "The review is made and sent at these times.")
	if l.Schedule.Zone() == nil {
		return nil
	}
	first := l.Schedule.Next(l.Now())
	if first.IsZero() {
		return []Finding{find(l.Schedule.String(), Failure, "never comes").do("set schedule.cron")}
	}
	if wait := first.Sub(l.Now()); wait > 32*24*time.Hour {
		return []Finding{find(l.Schedule.String(), Warning, "comes next only at %s", first.Format("2006-01-02 15:04")).do("see whether schedule.cron means that")}
	}
	second := l.Schedule.Next(first)
	if second.Sub(first) < 24*time.Hour {
		return []Finding{find(l.Schedule.String(), Warning, "comes twice in a day, at %s and %s; a week has one issue", first.Format("2006-01-02 15:04"), second.Format("15:04")).do("set schedule.cron to once a week")}
	}
	return []Finding{find(l.Schedule.String(), Good, "comes next at %s, then at %s", first.Format("Mon 2006-01-02 15:04"), second.Format("Mon 2006-01-02 15:04"))}
}

func (l *look) disk(ctx context.Context) []Finding {
	find := about("disk", "On a full disk sending stops before the mail that it cannot write down, and nobody can subscribe.")
	if l.Folder == "" {
		return nil
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(l.Folder, &s); err != nil {
		return []Finding{find(l.Folder, Warning, "its room cannot be seen: %v", err)}
	}
	free, size := int64(s.Bavail)*s.Bsize, int64(0)
	if l.Size != nil {
		size = l.Size(ctx)
	}
	says := fmt.Sprintf("%d MB are free, the database has %d MB", free>>20, size>>20)
	switch {
	case free < 64<<20:
		return []Finding{find(l.Folder, Failure, "%s", says).do("make room at once")}
	case free < 2*size || free < 512<<20:
		return []Finding{find(l.Folder, Warning, "%s: a backup and an issue's ledger may not fit", says).do("make room, or move the database")}
	}
	return []Finding{find(l.Folder, Good, "%s", says)}
}

func (l *look) integrity(ctx context.Context) []Finding {
	find := about("database", "A damaged page may hold readers, or who got what.")
	if l.Integrity == nil {
		return nil
	}
	if err := l.Integrity(ctx); err != nil {
		return []Finding{find("database", Failure, "%v", err).do("stop apta, keep the file, and restore the newest backup: apta restore FILE --replace")}
	}
	return []Finding{find("database", Good, "every page, index and reference is sound")}
}

func (l *look) backup(context.Context) []Finding {
	find := about("backup", "Readers' consent and who left stand in one file. A disk that dies takes them along.")
	if l.Backup == nil {
		return nil
	}
	at, ok := l.Backup()
	if !ok {
		return []Finding{find("backup.folder", Warning, "there is no backup").do("apta backup, once a day by a timer, and keep it on another machine (with Litestream: docs/litestream.md)")}
	}
	age := l.Now().Sub(at).Round(time.Minute)
	if age > 48*time.Hour {
		return []Finding{find("backup.folder", Warning, "the newest backup is %s old", age).do("see why the timer did not run: systemctl list-timers")}
	}
	return []Finding{find("backup.folder", Good, "the newest backup is %s old", age)}
}
