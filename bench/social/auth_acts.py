"""Signing in, staying signed in."""

from collections.abc import Mapping
from typing import Any

from locust import task

from bench.social.answers import require
from bench.social.person import Person


class AuthActs(Person):
    """On one device; a second one comes and goes."""

    abstract = True

    def sign_in(self) -> None:
        """With the password."""
        with self.timed("auth", "login"):
            self._keep(self._log_in())

    @task(3)
    def look_at_oneself(self) -> None:
        """Who am I?"""
        with self.timed("auth", "me"):
            me = self.ask("GET", "/v1/users/me")
            require(me["id"] == self.resident.user_id, "somebody else")

    @task(2)
    def stay_signed_in(self) -> None:
        """Exchange the refresh token; the socket stays with the new one."""
        with self.timed("auth", "refresh"):
            wanted = {"refresh_token": self.refresh_token}
            tokens = self.ask("POST", "/v1/auth/refresh", wanted)
            require(tokens["session_id"] == self.session_id, "another session")
            require(tokens["refresh_token"] != self.refresh_token, "the same token again")
            self._keep(tokens)
        with self.timed("auth", "renew socket"):
            self.socket.ask("auth.renew", {"token": self.access_token})

    @task(1)
    def list_sessions(self) -> None:
        """Where am I signed in?"""
        with self.timed("auth", "sessions"):
            sessions = self.ask("GET", "/v1/auth/sessions")["items"]
            current = [one["id"] for one in sessions if one["current"]]
            require(current == [self.session_id], "not signed in here")

    @task(1)
    def use_a_second_device(self) -> None:
        """Sign in there, and out again."""
        with self.timed("auth", "login"):
            there = self._log_in()["access_token"]
        with self.timed("auth", "me"):
            me = self.ask("GET", "/v1/users/me", token=there)
            require(me["id"] == self.resident.user_id, "somebody else")
        with self.timed("auth", "logout"):
            self.ask("POST", "/v1/auth/logout", status=204, token=there)

    def _log_in(self) -> Mapping[str, Any]:
        wanted = {"email": self.resident.email, "password": self.town.plan.password}
        signed_in: Mapping[str, Any] = self.ask("POST", "/v1/auth/login", wanted)
        require(signed_in["user"]["id"] == self.resident.user_id, "somebody else")
        return signed_in

    def _keep(self, tokens: Mapping[str, Any]) -> None:
        self.access_token = tokens["access_token"]
        self.refresh_token = tokens["refresh_token"]
        self.session_id = tokens["session_id"]
