"""Templates compiled once for each language: texts are translated when their template is compiled."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import get_language, gettext, override
from jinja2 import Environment, Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape
from markupsafe import _escape_inner as plain  # type: ignore[attr-defined]

TEXTS = ("_", "gettext")
OWN_PARTS = f"\nfrom {__name__} import escaped as escape, joined as markup_join\n"
"""Take the place of jinja2's own in the module of a page: what is imported last is called."""
VARIABLE = re.compile(r"%\((\w+)\)s")


def escaped(value: object) -> object:
    """Return *value* for a page: text as plain text made safe, which costs half of the marked text jinja2 makes."""
    if type(value) is str:
        safe: str = plain(value)
        return safe
    return value if type(value) is Markup else escape(value)


def joined(parts: Iterable[object]) -> Markup:
    """Return a text that stands within an expression, its variables made safe."""
    return Markup("".join([str(escaped(part)) for part in parts]))  # noqa: S704 (made safe)


class _Page(Template):
    """A template whose macros are bound once: jinja2 would look for names of the page's own at each import."""

    def _get_default_module(self, ctx: object = None) -> TemplateModule:  # noqa: ARG002 - jinja2's signature
        return super()._get_default_module()


class _Direct(CodeGenerator):
    """Calls functions and macros straight where jinja2 would first ask whether they want its context."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802 - jinja2's name
        """Write one call."""
        if forward_caller or not self._is_plain(node.node):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(*()")
        self.signature(node, frame)
        self.write(")")

    def _is_plain(self, called: nodes.Expr) -> bool:
        if isinstance(called, nodes.Getattr):
            return True
        known = self.environment.globals.get(called.name) if isinstance(called, nodes.Name) else None
        return known is not None and not hasattr(known, "jinja_pass_arg")


class Pages(Environment):
    """An environment that keeps one of its own for each language it is asked in.

    ``bound`` gives the globals that depend on the language, made for one.
    """

    language = ""
    code_generator_class = _Direct
    template_class = _Page
    bound: Callable[[str], dict[str, Any]] | None = None

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as jinja2 takes them
        super().__init__(**options)
        self.by_language: dict[str, Pages] = {}

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Template:  # noqa: A002, ANN401 - jinja2's signature
        """Return the template as it is in the present language."""
        asked = get_language() or ""
        if self.language or not asked:
            return super().get_template(name, parent, globals)
        if asked not in self.by_language:
            own = self.overlay()
            own.language = asked
            own.globals = {**self.globals, **(self.bound(asked) if self.bound else {})}
            self.by_language[asked] = own
        return self.by_language[asked].get_template(name, parent, globals)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        if self.language:
            with override(self.language):
                source = _Translated().visit(source)
        return super()._generate(source, name, filename, defer_init) + OWN_PARTS


class _Translated(NodeTransformer):
    """Puts the translation in the place of every text, cut at its variables where it has some."""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - jinja2's name
        """Write the parts of a text one after the other: what stands beside them is joined to them once and for all."""
        self.generic_visit(node)
        node.nodes = [part for one in node.nodes for part in (one.nodes if isinstance(one, nodes.Concat) else [one])]
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - jinja2's name
        """Translate ``_("…")`` and ``_("… %(name)s …", name=…)``."""
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name in TEXTS and len(node.args) == 1):
            return node
        text = node.args[0]
        if node.dyn_args or node.dyn_kwargs or not isinstance(text, nodes.Const):
            return node
        translated = gettext(text.value)
        if not node.kwargs:
            return nodes.TemplateData(translated % {}, lineno=node.lineno)
        return _joined(translated, {pair.key: pair.value for pair in node.kwargs}, node)


def _joined(text: str, values: dict[str, nodes.Expr], node: nodes.Call) -> nodes.Node:
    """Return *text* with the expressions *values* in the places of its variables, or *node* where it has others."""
    parts = VARIABLE.split(text)
    if any("%" in part.replace("%%", "") for part in parts[::2]) or not set(parts[1::2]) <= values.keys():
        return node
    found: list[nodes.Expr] = []
    for number, part in enumerate(parts):
        found.append(values[part] if number % 2 else nodes.TemplateData(part.replace("%%", "%"), lineno=node.lineno))
    return nodes.Concat(found, lineno=node.lineno)
