"""Talking."""

from locust import task

from bench.social.answers import WrongAnswer, require
from bench.social.person import Person, one_of


class ChatActs(Person):
    """Sends over the socket, reads what was missed over HTTP."""

    abstract = True

    def connect(self) -> None:
        """Be there."""
        with self.timed("chat", "connect"):
            self.socket.open(self.town.plan.api, self.access_token)
        self.town.online.add(self.resident.user_id)

    @task(18)
    def send(self) -> None:
        """A message to all others of a conversation; each who is there has to see it."""
        talk = one_of(self.resident.conversations)
        name = self.new_name()
        text = f"Two loaves of rye, please, and one of wheat. {name}"
        others = self.town.online.intersection(talk.members) - {self.resident.user_id}
        with self.timed("chat", "send") as due:
            self.town.letters.send(name, text, due=due, readers=others)
            wanted = {"conversation_id": talk.id, "client_id": name, "text": text}
            try:
                sent = self.socket.ask("chat.send", wanted)
            except WrongAnswer:
                self.town.letters.refused(name)
                raise
            require(sent["message"]["text"] == text, "another text")
            require(not sent["repeated"], "it was sent before")

    @task(8)
    def read(self) -> None:
        """The list of conversations, one of them, and say that it was read."""
        with self.timed("chat", "conversations"):
            talks = self.ask("GET", "/v1/chat/conversations")["items"]
            mine = {talk.id for talk in self.resident.conversations}
            require({talk["id"] for talk in talks} == mine, "other conversations than one's own")
        talk = one_of(talks)
        with self.timed("chat", "messages"):
            path = f"/v1/chat/conversations/{talk['id']}/messages"
            messages = self.ask("GET", path)["items"]
            order = [message["seq"] for message in messages]
            require(order == sorted(order, reverse=True), "not newest first")
        if messages:
            with self.timed("chat", "mark"):
                read = {"conversation_id": talk["id"], "read_seq": order[0]}
                marks = self.socket.ask("chat.mark", read)
                require(marks["read_seq"] >= order[0], "it does not count as read")

    @task(4)
    def type(self) -> None:
        """Without sending in the end."""
        talk = one_of(self.resident.conversations)
        with self.timed("chat", "typing"):
            self.socket.ask("chat.typing", {"conversation_id": talk.id})
