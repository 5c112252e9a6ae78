"""Setting who is sent which messages, in the browser."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from streams.console.errors import Conflict, NotAllowed, NotFound, WrongInput
from streams.console.pages.layout import Page, form_of, zone_name_of
from streams.console.pages.notifications import NotificationsPage
from streams.console.pages.people import chosen_connections, version_of
from streams.console.pages.render import href, part
from streams.console.pages.views.page_view import Question
from streams.console.pages.views.recipient_form import RecipientForm, facts_from, faults_of, values_of
from streams.messages.recipient_edit import RecipientEdit

TO = "/notifications"


class RecipientsPage(Page):
    """`/console/notifications/new` and `/console/notifications/recipients/NAME`."""

    def add(self, app: web.Application) -> None:
        """Add the routes."""
        add, one = self._guard.add, f"{TO}/recipients/{{recipient}}"
        add(app, "GET", f"{TO}/new", self.new, role="operator", concerns="filtered")
        add(app, "POST", f"{TO}/new", self.add_recipient, role="operator", concerns="filtered")
        add(app, "GET", one, self.show, role="operator", concerns="filtered")
        add(app, "POST", one, self.change, role="operator", concerns="filtered")
        add(app, "GET", f"{one}/remove", self.confirm, role="operator", concerns="filtered")
        add(app, "POST", f"{one}/remove", self.remove, role="operator", concerns="filtered")

    async def new(self, request: web.Request) -> web.StreamResponse:
        """The empty form; with `connection` that one is ticked."""
        connection, can_mail = request.query.get("connection", ""), self._can_mail
        values = {"way": "email" if can_mail else "webhook", "reports": "broke and recovered", "but_worst": "yes"}
        values["time_zone"] = zone_name_of(request)
        is_for_all = self._guard.visitor(request).is_admin and not connection
        return await self._form(request, None, values, None if is_for_all else (connection,))

    async def add_recipient(self, request: web.Request) -> web.StreamResponse:
        """Add a recipient. A form that is wrong comes back as it was filled, without the address of a webhook."""
        form, by = await form_of(request), self._guard.actor(request)
        try:
            connections = await chosen_connections(request, form)
            saved = await self._services.notifications.recipients.add(by, facts_from(form), connections)
        except (WrongInput, NotAllowed, NotFound) as error:
            return await self._sent_back(request, None, form, error)
        return self._layout.redirect(href(TO), f"{saved.label} was added. Send a test to see that messages arrive.")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What is stored."""
        found = await self._found(request)
        return await self._form(request, found, values_of(found), found.connections or None)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change a recipient."""
        found, form, by = await self._found(request), await form_of(request), self._guard.actor(request)
        try:
            connections = await chosen_connections(request, form)
            saved = await self._services.notifications.recipients.change(
                by, found.name, facts_from(form), connections, version_of(form)
            )
        except (WrongInput, NotAllowed, NotFound, Conflict) as error:
            return await self._sent_back(request, found, form, error)
        return self._layout.redirect(href(TO), f"{saved.label} was saved. It counts from now on.")

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """Ask before a recipient is removed."""
        found = await self._found(request)
        question = Question(
            title=f"Send {found.label} no more messages?",
            words="Its addresses and the list of what it was sent are deleted.",
            action=href(f"{TO}/recipients/{part(found.name)}/remove"),
            yes="Remove",
            back=href(TO),
            fields=(("version", str(found.number)),),
            is_dangerous=True,
        )
        return await self._layout.page(request, "question.html", question)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Remove a recipient."""
        form, by = await form_of(request), self._guard.actor(request)
        try:
            gone = await self._services.notifications.recipients.remove(
                by, request.match_info["recipient"], version_of(form)
            )
        except Conflict as error:
            return self._layout.redirect(href(TO), error.words, "warn")
        return self._layout.redirect(href(TO), f"{gone.label} is sent no more messages.")

    # -- the parts ----------------------------------------------------------------------------------------

    @property
    def _can_mail(self) -> bool:
        return self._services.settings.notifications.smtp is not None

    async def _found(self, request: web.Request) -> RecipientEdit:
        return await self._services.notifications.recipients.find(request.match_info["recipient"])

    async def _sent_back(
        self,
        request: web.Request,
        found: RecipientEdit | None,
        form: Mapping[str, str],
        error: WrongInput | NotAllowed | NotFound | Conflict,
    ) -> web.StreamResponse:
        of = None if form.get("sees") == "all" else tuple((await request.post()).getall("of", []))
        return await self._form(request, found, form, of, error)

    async def _form(
        self,
        request: web.Request,
        found: RecipientEdit | None,
        values: Mapping[str, str],
        of: tuple[object, ...] | None,
        error: WrongInput | NotAllowed | NotFound | Conflict | None = None,
    ) -> web.StreamResponse:
        view = RecipientForm(
            name=found.name if found is not None else "",
            version=found.number if found is not None else 0,
            values=values,
            of=None if of is None else tuple(map(str, of)),
            connections=self._services.connection_names,
            can_mail=self._can_mail,
            webhook_host=found.webhook_host if found is not None else "",
            problem=error.words if error is not None else "",
            faults=faults_of(error) if error is not None else (),
        )
        return await self._layout.page(
            request, "recipient.html", view, status=error.status if error is not None else 200
        )


NOTIFICATION_PAGES = (NotificationsPage, RecipientsPage)
