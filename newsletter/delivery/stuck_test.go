package delivery

import (
	"context"
	"testing"
)

// A relay whose name is never answered by the name server holds up neither the
// others nor the end: the mail goes over the relay that is there.
func TestFault_S5_StuckNameServer(t *testing.T) {
	d, good := newDesk(t, openSQLite(t), 500), server(t, nil)
	began := make(chan struct{}, 100)
	stuck := Relay{Name: "stuck", Connections: 4, Dial: func(ctx context.Context) (Courier, error) {
		began <- struct{}{}
		<-ctx.Done() // as a resolver does that waits for its server
		return nil, ctx.Err()
	}}
	s := d.over(Options{}, stuck, to("good", good.Port(), 4))
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 500 || good.Count() != 500 {
		t.Errorf("counts %+v, %d arrived", c, good.Count())
	}
	if len(began) == 0 {
		t.Error("the stuck relay was never asked")
	}
}
