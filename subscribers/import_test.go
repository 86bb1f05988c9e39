package subscribers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"apta/subscribers"
	"apta/subscribers/database"
)

// The heads and forms are those that the programs write.
func TestImportFromOtherPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string // of all who are stored
	}{
		"listmonk": {"uuid,email,name,attributes,status,created_at,updated_at\n" +
			`5f0c,a@example.org,Ada,"{""city"": ""Oral""}",enabled,2021-05-06T07:08:09.123456Z,2021-05-06T07:08:09.123456Z` + "\n" +
			"5f0d,b@example.org,B,{},blocklisted,2021-05-06 07:08:09,2021-05-06 07:08:09\n",
			"a@example.org Ada active 2021-05-06; b@example.org B unsubscribed 2021-05-06"},
		"Mailchimp": {"Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LEID,EUID,NOTES,TAGS\n" +
			`a@example.org,Ada,Lovelace,2,"2020-01-02 03:04:05",,"2020-01-03 03:04:05",192.0.2.1,1,x,,"""readers"""` + "\n",
			"a@example.org Ada Lovelace active 2020-01-03"},
		"Mailchimp, who left": {"Email Address,First Name,Last Name,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON\n" +
			"a@example.org,Ada,Lovelace,,2020-01-03 03:04:05,2022-01-01 00:00:00,Week 1,N\n",
			"a@example.org Ada Lovelace unsubscribed 2020-01-03"},
		"Mailchimp, cleaned": {"Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\na@example.org,Ada,2022-01-01 00:00:00,Week 1\n", "a@example.org Ada bounced"},
		"Buttondown": {"email_address,notes,metadata,tags,referrer_url,creation_date,secondary_id,subscriber_type,source\n" +
			"a@example.org,,{},,,2023-03-04 05:06:07.123456+00:00,1,regular,api\nb@example.org,,{},,,2023-03-04,2,unactivated,api\nc@example.org,,{},,,2023-03-04,3,unsubscribed,api\n",
			"a@example.org active 2023-03-04; b@example.org pending 2023-03-04; c@example.org unsubscribed 2023-03-04"},
		"Substack": {"email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n" +
			"a@example.org,false,,other,false,2023-03-04T05:06:07.123Z,\nb@example.org,false,,other,true,2023-03-04T05:06:07.123Z,\n",
			"a@example.org active 2023-03-04; b@example.org unsubscribed 2023-03-04"},
		"Ghost": {"id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n" +
			"1,a@example.org,Ada,,true,false,,2023-03-04T05:06:07.000Z,,,\n2,b@example.org,B,,false,false,,2023-03-04T05:06:07.000Z,,,\n",
			"a@example.org Ada active 2023-03-04; b@example.org B unsubscribed 2023-03-04"},
		"listmonk, JSON": {`{"data": {"results": [
 {"id":1,"email":"a@example.org","name":"Ada","attribs":{"language":"kk"},"status":"enabled","created_at":"2021-05-06T07:08:09.1Z","lists":[{"subscription_status":"confirmed","optin":"double"}]},
 {"id":2,"email":"b@example.org","name":"B","status":"enabled","lists":[{"subscription_status":"unsubscribed","optin":"double"}]},
 {"id":3,"email":"c@example.org","name":"C","status":"enabled","lists":[{"subscription_status":"unconfirmed","optin":"double"}]},
 {"id":4,"email":"d@example.org","name":"D","status":"enabled","lists":[{"subscription_status":"unconfirmed","optin":"single"}]}
], "query":"","total":4,"per_page":20,"page":1}}`,
			"a@example.org Ada active 2021-05-06; b@example.org B unsubscribed; c@example.org C pending; d@example.org D active"},
		"JSON array": {`[{"email":"a@example.org"},{"email":"b@example.org","status":"disabled"}]`, "a@example.org active; b@example.org unsubscribed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqliteStore(t)
			if rep, bad, err := importCSV(t, s, c.text); err != nil || len(bad) > 0 {
				t.Fatalf("report %+v, %q (%v)", rep, bad, err)
			}
			var got []string
			err := s.Each(context.Background(), func(sub subscribers.Subscriber) error {
				log, err := s.Consents(context.Background(), sub.ID)
				if err != nil || len(log) != 1 || !log[0].Intact {
					t.Errorf("%s: the log is %v (%v)", sub.Email, log, err)
				}
				agreed := ""
				if !log[0].Agreed.IsZero() {
					agreed = log[0].Agreed.Format("2006-01-02")
				}
				got = append(got, strings.Join(strings.Fields(sub.Email+" "+sub.Name+" "+string(sub.Status)+" "+agreed), " "))
				return nil
			})
			if text := strings.Join(got, "; "); err != nil || text != c.want {
				t.Errorf("stored are %s, not %s (%v)", text, c.want, err)
			}
		})
	}
}

func TestJSONWhoseKeysAreCalledOtherwise(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		var bad []string
		rep, err := s.Import(context.Background(), strings.NewReader(`[
{"contact": {"mail": "a@example.org", "lang": "kk"}, "Full name": "Ada", "themes": ["Courts", "Harbour"], "weeks": 2, "optout": true, "email": 7.5},
{"contact": {"mail": "b@example.org"}, "weeks": 1.5},
{"contact": ["c@example.org"]},
{"contact": {"mail": "d@example.org"}, "email": "other@example.org", "optout": false}
]`), subscribers.ImportOptions{Source: "test", Bad: func(line int, err error) { bad = append(bad, fmt.Sprint(line, " ", err)) },
			Columns: map[string]string{"email": "contact.mail", "language": "contact.lang", "name": "Full name", "topics": "themes", "every_weeks": "weeks", "unwanted": "optout"}})
		if err != nil || rep != (subscribers.Report{Added: 1, Refused: 3}) || len(bad) != 3 || !strings.Contains(bad[0], "email is number") || !strings.Contains(bad[1], `every_weeks: "1.5"`) || !strings.Contains(bad[2], "it is empty") {
			t.Errorf("report %+v, %q (%v)", rep, bad, err)
		}
		rep, err = s.Import(context.Background(), strings.NewReader(`{"contact": {"mail": "a@example.org", "lang": "kk"}, "Full name": "Ada", "themes": ["Courts", "Harbour"], "weeks": 2, "optout": true}`),
			subscribers.ImportOptions{Source: "test", Columns: map[string]string{"email": "contact.mail", "language": "contact.lang", "name": "Full name", "topics": "themes", "every_weeks": "weeks", "unwanted": "optout"}})
		sub, found := s.ByEmail(context.Background(), "a@example.org")
		if err != nil || found != nil || rep.Added != 1 || sub.Name != "Ada" || sub.Language != "kk" || sub.Every != 2 || len(sub.Topics) != 2 || sub.Status != subscribers.Unsubscribed {
			t.Errorf("%+v, %+v (%v, %v)", rep, sub, err, found)
		}
		if _, err := s.Import(context.Background(), strings.NewReader(`{"a": 1}`), subscribers.ImportOptions{Columns: map[string]string{"mail": "a"}}); err == nil || !strings.Contains(err.Error(), `"mail" is no field`) {
			t.Errorf("a field that there is not: %v", err)
		}
	})
}

func TestJSONThatIsWrong(t *testing.T) {
	s := sqliteStore(t)
	rep, bad, err := importCSV(t, s, "[{\"email\": \"a@example.org\"},\n{\"email\": 7},\n{\"email\": \"nobody\"},\n\n{\"email\": \"b@example.org\"}]")
	if err != nil || rep != (subscribers.Report{Added: 2, Refused: 2}) || len(bad) != 2 || !strings.HasPrefix(bad[0], "2: email is number") || !strings.HasPrefix(bad[1], `3: "nobody"`) {
		t.Errorf("report %+v, %q (%v)", rep, bad, err)
	}
	for text, want := range map[string]string{
		"[{\"email\": \"c@example.org\"},\n": "the JSON cannot be read after line 1: it ends in the middle",
		"{\"email\": \"c@example.org\"}\n{]": "the JSON cannot be read after line 1: ",
		"{\"data\": {\"results\": 7}}":       "the JSON cannot be read",
	} {
		if _, _, err := importCSV(t, s, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, not %q", text, err, want)
		}
	}
}

// A record that never ends is not waited for.
func TestFault_W8_EndlessJSON(t *testing.T) {
	for _, begin := range []string{`[{"email":"`, `[`, `{"data":{"results":[{"a":`, "{"} {
		in := io.MultiReader(strings.NewReader(begin), &rubbish{line: "[[[x\n", left: 1 << 40})
		if begin == "[" {
			in = io.MultiReader(strings.NewReader(begin), &rubbish{line: " \n", left: 1 << 40})
		}
		_, err := sqliteStore(t).Import(context.Background(), in, subscribers.ImportOptions{Bad: func(int, error) {}})
		if err == nil {
			t.Errorf("%s was imported", begin)
		}
	}
}

func TestDryRunSaysWhatAnImportDoes(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		add(t, s, "here@example.org", "")
		add(t, s, "left@example.org", subscribers.Unsubscribed)
		add(t, s, "never@example.org", subscribers.Suppressed)
		if _, err := s.Suppress(ctx, "stranger@example.org", "test", "test"); err != nil {
			t.Fatal(err)
		}
		if err := s.Choose(ctx, add(t, s, "chosen@example.org", "").ID, subscribers.Wishes{Name: "My own", Language: "ru"}, subscribers.Consent{}); err != nil {
			t.Fatal(err)
		}
		text := "email,name,language,status\nnew@example.org,,,\nhere@example.org,Now,,\nleft@example.org,,,active\nnever@example.org,,,\nSTRANGER@example.org,,,\nchosen@example.org,Another,en,\n" +
			"new@example.org,Later,,\nnobody,,,\nhere@EXAMPLE.org,Another,,\nnew@example.org,,,unsubscribed\nnew@example.org,,,unsubscribed\n"
		want := subscribers.Report{Added: 1, Changed: 2, Present: 1, Duplicates: 3, Left: 1, Suppressed: 2, Refused: 1}
		run := func(dry bool) (rep subscribers.Report, bad []string) {
			rep, err := s.Import(ctx, strings.NewReader(text), subscribers.ImportOptions{Source: "test", DryRun: dry, Bad: func(line int, err error) { bad = append(bad, fmt.Sprint(line, err)) }})
			if err != nil {
				t.Fatal(err)
			}
			return rep, bad
		}
		before, err := s.Count(ctx)
		if err != nil {
			t.Fatal(err)
		}
		foreseen, complaints := run(true)
		if after, err := s.Count(ctx); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("a dry run made %v of %v (%v)", after, before, err)
		}
		done, again := run(false)
		if foreseen != want || done != want || !slices.Equal(complaints, again) {
			t.Errorf("foreseen is %+v, done %+v, not %+v", foreseen, done, want)
		}
		for email, name := range map[string]string{"here@example.org": "Now", "chosen@example.org": "My own"} {
			if sub, err := s.ByEmail(ctx, email); err != nil || sub.Name != name {
				t.Errorf("%s is called %q (%v)", email, sub.Name, err)
			}
		}
	})
}

// breaking is a file that cannot be read beyond a place.
type breaking struct {
	io.Reader
}

var errBroken = errors.New("the disk is broken")

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errBroken
	}
	return n, err
}

func TestImportGoesOnWhereItStopped(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		var text bytes.Buffer
		text.WriteString("email\n")
		for n := range 1500 {
			fmt.Fprintf(&text, "r%d@example.org\nr%d\n", n, n)
		}
		fmt.Fprintf(&text, "r7@example.org\n")
		var bad, resumed []int
		opt := subscribers.ImportOptions{Source: "test", Digest: "d", Bad: func(line int, _ error) { bad = append(bad, line) }, Resumed: func(line int) { resumed = append(resumed, line) }}
		_, err := s.Import(ctx, breaking{bytes.NewReader(text.Bytes()[:text.Len()*3/4])}, opt)
		if !errors.Is(err, errBroken) || len(resumed) > 0 || len(bad) < 1000 {
			t.Fatalf("%d complaints, resumed %v (%v)", len(bad), resumed, err)
		}
		first := len(bad)
		rep, err := s.Import(ctx, bytes.NewReader(text.Bytes()), opt)
		if err != nil || rep != (subscribers.Report{Added: 1500, Duplicates: 1, Refused: 1500}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		if len(resumed) != 1 || resumed[0] < 1000 || len(bad) <= first || bad[first] <= resumed[0] {
			t.Errorf("gone on after %v with line %d", resumed, bad[first])
		}
		// A finished one begins anew.
		if rep, err = s.Import(ctx, bytes.NewReader(text.Bytes()), opt); err != nil || len(resumed) != 1 || rep != (subscribers.Report{Present: 1500, Duplicates: 1, Refused: 1500}) {
			t.Errorf("once more: report %+v, resumed %v (%v)", rep, resumed, err)
		}
	})
}
