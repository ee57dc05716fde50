package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/trailgate/trailgate/event"
)

// seedDays is how much history the demo invents.
const seedDays = 30

// history is thirty days of an ordinary team, newest last, ending a day before
// now. Every record is marked serviceEventDetails.demo = true. None matches the
// article's queries: nobody is refused at AuthorizeSecurityGroupIngress, and
// every session has a second factor. The same now gives the same history but
// for the event IDs.
func history(o event.Origin, now time.Time) []event.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	people := []string{"ana", "chen", "dara", "eli", "farid"}
	targets := []string{"web1", "db1"}
	commands := []string{"uptime", "systemctl status nginx", "df -h", "tail -n 100 /var/log/syslog", "psql -c 'select 1'", "git -C /srv/app pull"}
	var all []event.Record
	for day := seedDays; day >= 1; day-- {
		start := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -day).Add(8 * time.Hour)
		for range 12 + rng.IntN(8) {
			who := people[rng.IntN(len(people))]
			s := &event.Session{ID: event.NewID(), Target: targets[rng.IntN(len(targets))], Login: "deploy", MFA: true}
			at := start.Add(time.Duration(rng.IntN(10*3600)) * time.Second)
			m := event.Meta{
				Identity:     identityOf(o, who, at, true),
				SourceIP:     fmt.Sprintf("192.0.2.%d", 10+rng.IntN(20)),
				UserAgent:    "SSH-2.0-OpenSSH_9.6",
				ConnectionID: event.NewID(),
			}
			say := func(after time.Duration, inSession bool, e event.Event) {
				m.Time, m.Session = at.Add(after), nil
				if inSession {
					m.Session = s
				}
				rec := o.Record(m, e)
				rec.ServiceEventDetails = []byte(`{"demo":true}`)
				all = append(all, rec)
			}
			zero := 0
			say(0, false, event.Login{UserName: who, Method: "publickey+totp", MFA: "totp"})
			say(0, false, event.AuthorizeSecurityGroupIngress{Target: s.Target, Login: s.Login, Protocol: "tcp", Port: 22, FrontDoor: "jump"})
			say(time.Second, true, event.StartSession{FrontDoor: "jump", Recording: "terminal"})
			for i := range 1 + rng.IntN(4) {
				say(time.Duration(2+3*i)*time.Second, true, event.ExecuteCommand{Channel: i, Command: commands[rng.IntN(len(commands))]})
				say(time.Duration(3+3*i)*time.Second, true, event.CloseChannel{Channel: i, Kind: "exec", ExitStatus: &zero})
			}
			say(time.Duration(60+rng.IntN(1800))*time.Second, true, event.EndSession{Cause: "client closed", ExitStatus: &zero})
		}
		if rng.IntN(3) == 0 { // somebody mistypes now and then
			rec := o.Record(event.Meta{Time: start.Add(time.Hour), SourceIP: "198.51.100.7", UserAgent: "SSH-2.0-Go",
				Identity:  event.UserIdentity{Type: "Unknown", UserName: event.Hidden},
				ErrorCode: event.AuthenticationFailed, ErrorMessage: "unknown key"}, event.Login{UserName: event.Hidden, Method: "publickey"})
			rec.ServiceEventDetails = []byte(`{"demo":true}`)
			all = append(all, rec)
		}
	}
	return all
}

func identityOf(o event.Origin, name string, at time.Time, mfa bool) event.UserIdentity {
	return event.UserIdentity{
		Type: "IAMUser", UserName: name, AccountID: o.AccountID,
		ARN:         fmt.Sprintf("arn:aws:iam::%s:user/%s", o.AccountID, name),
		PrincipalID: "AIDADEMO" + name,
		SessionContext: &event.SessionContext{Attributes: &event.SessionAttributes{
			CreationDate: at.UTC().Format("2006-01-02T15:04:05Z"), MFAAuthenticated: fmt.Sprint(mfa)}},
	}
}
