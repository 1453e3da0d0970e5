// An API with Go's net/http. The agent checks each request, over its Unix socket.
package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

func main() {
	dial := func(_, _ string) (net.Conn, error) { return net.Dial("unix", "/run/cierre/agent.sock") }
	agent := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{Dial: dial}}
	target := &url.URL{Scheme: "http", Host: "agent"}
	http.ListenAndServe("127.0.0.1:8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := agent.Do(&http.Request{URL: target, Header: http.Header{"Authorization": r.Header["Authorization"]}})
		if err != nil {
			answer = &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"1"}}, Body: http.NoBody}
		}
		w.Header()["Www-Authenticate"], w.Header()["Retry-After"] = answer.Header["Www-Authenticate"], answer.Header["Retry-After"]
		w.WriteHeader(answer.StatusCode)
		io.WriteString(w, answer.Header.Get("X-Auth-Subject"))
		io.Copy(w, answer.Body)
	}))
}
