"""Every word that the pages say on their own, in French and in English.

Hides French typography: texts are written with ordinary spaces, and come out with the no-break
ones that French wants. Labels of criteria, families and presets are the library's. A test holds
the two languages together, and finds what no page uses any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

__all__ = ["NBSP", "TEXTS", "Translate", "french_spaces", "translator", "typeset"]

Translate = Callable[..., str]
"""Takes a key of ``TEXTS`` and the values of its placeholders, returns the text."""

NBSP = "\u00a0"
_BEFORE = re.compile(r" (?=[:;?!»%€°])")


def french_spaces(text: str) -> str:
    """Put no-break spaces where French typography wants them."""
    return _BEFORE.sub(NBSP, text).replace("« ", f"«{NBSP}")


def typeset(text: str, language: str) -> str:
    """Give a text of the library or of the catalog the typography of its language."""
    return french_spaces(text).replace("'", "’") if language == "fr" else text


TEXTS: Mapping[str, tuple[str, str]] = {
    # The page
    "site.name": ("Trouver son village", "Find your village"),
    "site.tagline": (
        "{territory} : où vivre quand on travaille d’où l’on veut",
        "{territory}: where to live when you work from anywhere",
    ),
    "site.description": (
        "Dites comment vous vivez et travaillez : les {n} communes se classent, avec les raisons, "
        "les manques et la ligne internet qui vous attend.",
        "Say how you live and work: the {n} communes are ranked, with the reasons, what is "
        "missing and the internet line that awaits you.",
    ),
    "site.vintage": ("D’après les données de {vintage}", "From the data of {vintage}"),
    "site.skip": ("Aller aux villages", "Skip to the villages"),
    "site.other_language": ("English", "Français"),
    "tabs.title": ("Parties de la page", "Parts of the page"),
    "tabs.answers": ("Vos réponses", "Your answers"),
    "tabs.villages": ("{n} villages", "{n} villages"),
    "tabs.village": ("{n} village", "{n} village"),
    "tabs.map": ("Carte", "Map"),
    # The questions
    "form.title": ("Parlons de vous", "Tell us about you"),
    "form.intro": (
        "Rien n’est obligatoire. Vos réponses tiennent dans l’adresse de la page : un lien les "
        "garde ou les partage.",
        "Nothing is required. Your answers fit in the address of the page: a link keeps or "
        "shares them.",
    ),
    "form.presets": ("Partir d’un exemple", "Start from an example"),
    "form.presets.why": (
        "Des arrivants imaginaires. Choisissez le plus proche de vous, puis corrigez.",
        "Imaginary newcomers. Choose the one most like you, then correct.",
    ),
    "form.work": ("Comment travaillez-vous ?", "How do you work?"),
    "form.work.why": (
        "Pour compter la route jusqu’au bureau partagé ou à la gare.",
        "To count the drive to a shared office or to the station.",
    ),
    "work.home": ("À la maison", "At home"),
    "work.coworking": ("En coworking, certains jours", "In coworking, some days"),
    "work.client_visits": ("Chez des clients", "At clients’ offices"),
    "form.city": ("Une ville où aller souvent", "A town to go to often"),
    "form.city.why": (
        "Son temps de route compte alors au plus haut.",
        "Its driving time then counts the most.",
    ),
    "city.none": ("Aucune", "None"),
    "form.children": ("L’âge de vos enfants", "Your children’s ages"),
    "form.children.why": (
        "Nous regardons les écoles de leur âge, et celles d’après.",
        "We look at the schools for their age, and the ones after.",
    ),
    "form.children.example": ("4, 9", "4, 9"),
    "form.tenure": ("Acheter ou louer ?", "Buy or rent?"),
    "tenure.buy": ("Acheter", "Buy"),
    "tenure.rent": ("Louer", "Rent"),
    "form.budget": ("Budget", "Budget"),
    "form.budget.buy": ("€", "€"),
    "form.budget.rent": ("€ par mois", "€ a month"),
    "form.surface": ("Surface", "Floor area"),
    "form.surface.unit": ("m²", "m²"),
    "form.tenure.why": (
        "Ensemble, ils disent quel prix du m² vous convient.",
        "Together they say which price per m² suits you.",
    ),
    "form.size": ("Quelle taille de village ?", "What size of village?"),
    "form.size.why": (
        "Une préférence : les autres restent dans la liste.",
        "A preference: the others stay in the list.",
    ),
    "size.any": ("Peu importe", "Any"),
    "size.hamlet": ("Hameau", "Hamlet"),
    "size.village": ("Village", "Village"),
    "size.bourg": ("Bourg", "Small town"),
    "size.town": ("Ville", "Town"),
    "size.up_to": ("moins de {high} hab.", "under {high}"),
    "size.from": ("plus de {low} hab.", "over {low}"),
    "size.between": ("{low} à {high}", "{low} to {high}"),
    "form.importance": ("Qu’est-ce qui compte pour vous ?", "What matters to you?"),
    "form.importance.why": (
        "Chaque mot compte deux fois plus que le précédent.",
        "Each word counts twice as much as the one before.",
    ),
    "importance.not_at_all": ("pas du tout", "not at all"),
    "importance.a_little": ("un peu", "a little"),
    "importance.important": ("important", "important"),
    "importance.indispensable": ("indispensable", "essential"),
    "form.limits": ("Vos limites", "Your limits"),
    "form.limits.why": (
        "Un village qui dépasse une limite sort de la liste. Nous disons ce que chacune coûte.",
        "A village beyond a limit leaves the list. We say what each one costs you.",
    ),
    "limit.none": ("sans limite", "no limit"),
    "limit.at_most": ("{figure} au plus", "{figure} at most"),
    "limit.at_least": ("{figure} au moins", "{figure} at least"),
    "form.finer": ("Plus finement", "In more detail"),
    "form.finer.why": (
        "Le poids d’un point précis à l’intérieur de sa famille.",
        "The weight of one precise thing inside its family.",
    ),
    "finer.usual": ("comme d’habitude ({word})", "as usual ({word})"),
    "form.carried": (
        "Le lien suivi contient aussi des seuils personnels ; ils s’appliquent.",
        "The link you followed also holds personal thresholds; they apply.",
    ),
    "form.adviser": ("Pour votre conseiller", "For your adviser"),
    "form.adviser.why": (
        "D’où vous venez, votre métier et ce nom ne changent rien au classement ; le parcours, si.",
        "Where you come from, your trade and this name change nothing in the ranking; the track "
        "does.",
    ),
    "form.track": ("Parcours", "Track"),
    "track.solo": ("Soho Solo", "Soho Solo"),
    "track.cultura": ("Cultura, pour les artistes", "Cultura, for artists"),
    "form.from": ("Vous venez de", "You come from"),
    "from.other": ("ailleurs", "elsewhere"),
    "form.sector": ("Votre métier", "Your trade"),
    "sector.audit_consulting": ("Audit et conseil", "Audit and consulting"),
    "sector.training": ("Formation", "Training"),
    "sector.it": ("Informatique", "IT"),
    "sector.internet": ("Internet", "Internet"),
    "sector.e_commerce": ("Commerce en ligne", "E-commerce"),
    "sector.crafts": ("Artisanat", "Crafts"),
    "sector.arts": ("Arts et culture", "Arts and culture"),
    "sector.other": ("Autre", "Other"),
    "form.name": ("Nom de cette recherche", "Name of this search"),
    "form.submit": ("Voir les villages", "See the villages"),
    "form.reset": ("Tout effacer", "Clear everything"),
    # Which communes
    "scope.title": ("Parmi", "Among"),
    "scope.partners": ("villages partenaires", "partner villages"),
    "scope.network": ("communes du réseau", "communes of the network"),
    "scope.all": ("communes, toutes", "communes, all of them"),
    "scope.count": ("{n} {name}", "{n} {name}"),
    "scope.partners.note": (
        "{sourced} attestés par une source, {reconstructed} reconstitués par une règle écrite en "
        "attendant la liste du réseau.",
        "{sourced} attested by a source, {reconstructed} reconstructed by a written rule until "
        "the network gives its list.",
    ),
    "scope.partners.whole": (
        "La liste est celle du réseau.",
        "The list is the network’s own.",
    ),
    "scope.network.note": (
        "Estimation : à {minutes} min au plus d’un coworking, télécentre ou tiers-lieu connu. En "
        "2014, le réseau en annonçait {published}.",
        "An estimate: within {minutes} min of a known coworking space, telecentre or third "
        "place. In 2014 the network announced {published}.",
    ),
    "scope.all.note": (
        "Tout le département, y compris hors du réseau.",
        "The whole département, beyond the network too.",
    ),
    "scope.apply": ("Appliquer", "Apply"),
    # The list
    "results.title": ("Vos villages", "Your villages"),
    "results.many": ("{n} villages classés pour vous", "{n} villages ranked for you"),
    "results.one": ("1 village classé pour vous", "1 village ranked for you"),
    "results.none": ("Aucun village ne reste", "No village is left"),
    "results.excluded": ("{text} ; {n} hors de vos limites", "{text}; {n} beyond your limits"),
    "results.named": ("Recherche : {name}.", "Search: {name}."),
    "results.preset": ("Exemple de départ : {name}.", "Started from the example: {name}."),
    "results.bars": (
        "Une barre pleine : exactement ce que vous cherchez.",
        "A full bar: exactly what you look for.",
    ),
    "results.more": ("Voir les {n} suivants", "Show the next {n}"),
    "results.end": ("Vous avez tout vu.", "You have seen them all."),
    "frame.back": ("Retour à la liste", "Back to the list"),
    "frame.unknown": (
        "Nous ne connaissons pas de commune « {found} » ici. Choisissez-en une dans la liste ou "
        "sur la carte.",
        "We know no commune “{found}” here. Choose one in the list or on the map.",
    ),
    "frame.sorry": ("Cette page ne peut pas être montrée", "This page cannot be shown"),
    "why.not": ("Pourquoi pas {name} ?", "Why not {name}?"),
    "why.first": ("Pourquoi {name} ?", "Why {name}?"),
    "why.gaps": ("Face à {name}, critère par critère", "Beside {name}, criterion by criterion"),
    "why.difference": ("Différence", "Difference"),
    "why.alike": ("Communes qui lui ressemblent : {names}.", "Communes that resemble it: {names}."),
    "why.compare": ("Comparer avec {name}", "Compare with {name}"),
    "compare.pick": ("Comparer", "Compare"),
    "compare.pick.of": ("{name}", "{name}"),
    "compare.button": ("Comparer les villages cochés", "Compare the villages ticked"),
    "compare.hint": ("Cochez de deux à quatre villages.", "Tick two to four villages."),
    "compare.one_more": ("Cochez-en encore un.", "Tick one more."),
    "compare.ready": ("{n} villages cochés", "{n} villages ticked"),
    "compare.count": (
        "Communes choisies : {found}. Une comparaison en prend {least} à {most} ; cochez-en dans "
        "la liste.",
        "Communes chosen: {found}. A comparison takes {least} to {most}; tick some in the list.",
    ),
    "compare.title": ("Côte à côte : {names}", "Side by side: {names}"),
    "compare.best": ("le mieux", "best"),
    "compare.today": ("votre ville", "your city"),
    "compare.outside": ("hors de votre recherche", "outside your search"),
    "compare.beyond": ("hors de vos limites : {names}", "beyond your limits: {names}"),
    "compare.note": (
        "Une barre pleine : exactement ce que vous cherchez. Ce qui est inconnu n’a pas de barre "
        "et compte au milieu.",
        "A full bar: exactly what you look for. What is unknown has no bar and counts in the "
        "middle.",
    ),
    "compare.origin": (
        "{name}, {people} en {year} : quelques faits seulement, sans score ({producer} ; "
        "{licence}).",
        "{name}, {people} in {year}: a few facts only, without a score ({producer}; {licence}).",
    ),
    "compare.origin.price": (
        "Prix moyen des logements vendus en {year} : {price} €/m².",
        "Mean price of the homes sold in {year}: €{price}/m².",
    ),
    "why.wait": ("Un instant…", "One moment…"),
    "why.close": ("Fermer", "Close"),
    "why.link": ("Pourquoi ce rang ?", "Why this rank?"),
    "why.link.of": (": {name}", ": {name}"),
    "card.rank": ("Rang {n}", "Rank {n}"),
    "card.tie": ("ex æquo", "tied"),
    "card.inhabitants": ("{n}\u00a0habitants", "{n}\u00a0inhabitants"),
    "card.score": ("sur 100", "out of 100"),
    "card.odds": ("Dans vos 5 premiers : {chance}", "Among your first 5: {chance}"),
    "card.range": (
        "Le score peut aller de {low} à {high}, selon ce que nous ignorons.",
        "The score may lie between {low} and {high}, with what we do not know.",
    ),
    "card.partner.sourced": ("village partenaire", "partner village"),
    "card.partner.source": ("source", "source"),
    "card.partner.reconstructed": ("partenaire, reconstitué", "partner, reconstructed"),
    "card.network": ("commune du réseau, estimé", "commune of the network, estimated"),
    "card.helps": ("Ce qui aide", "What helps"),
    "card.drags": ("Ce qui pèse", "What weighs"),
    "card.flags": ("À savoir avant de décider", "Know before you decide"),
    "card.unverified": (
        "Limite non vérifiée, faute de données : {names}.",
        "Limit not verified, for want of data: {names}.",
    ),
    "card.details": ("Tout savoir", "Everything we know"),
    "card.details.of": ("sur {name}", "about {name}"),
    "card.show": ("Sur la carte", "On the map"),
    "card.show.of": (": {name}", ": {name}"),
    "line.title": ("La ligne qui vous attend", "The line that awaits you"),
    "line.fibre": (
        "Fibre : {passed} locaux raccordables sur {premises} ({share}).",
        "Fibre: {passed} of {premises} premises can have it ({share}).",
    ),
    "line.rest": ("Les autres : {list}.", "The others: {list}."),
    "line.copper": ("Le cuivre y ferme le {day}.", "Copper closes there on {day}."),
    "line.address": (
        "C’est la commune, pas votre adresse : faites vérifier la ligne du logement.",
        "This is the commune, not your address: have the line of the house checked.",
    ),
    "technology.cable": ("câble", "cable"),
    "technology.copper_8mbit_or_more": ("ADSL à 8 Mbit/s ou plus", "ADSL at 8 Mbit/s or more"),
    "technology.superfast_radio": ("radio à très haut débit", "superfast radio"),
    "technology.fixed_4g": ("4G fixe", "fixed 4G"),
    "technology.radio": ("radio", "radio"),
    "technology.satellite": ("satellite", "satellite"),
    "contact.title": ("Qui appeler", "Who to call"),
    "contact.hall": ("Mairie", "Town hall"),
    "ledger.title": ("Le compte, point par point", "The account, point by point"),
    "ledger.criterion": ("Ce qui compte", "What counts"),
    "ledger.here": ("Ici", "Here"),
    "ledger.points": ("Points", "Points"),
    "ledger.total": ("Total", "Total"),
    "ledger.rounded": (
        "Points arrondis au dixième. Un chiffre inconnu compte pour moitié.",
        "Points rounded to one decimal. An unknown figure counts for half.",
    ),
    "ledger.sources": ("Sources", "Sources"),
    "status.measured": ("mesuré", "measured"),
    "status.declared": ("déclaré", "declared"),
    "status.estimated": ("estimé", "estimated"),
    "status.upper_bound": ("au plus", "at most"),
    "status.reconstructed": ("reconstitué", "reconstructed"),
    # Limits
    "limits.title": ("Ce que vos limites écartent", "What your limits leave out"),
    "limits.excludes": (
        "écarte {n} communes, dont {alone} à elle seule",
        "leaves out {n} communes, {alone} of them on its own",
    ),
    "limits.excludes.shared": (
        "écarte {n} communes, jamais à elle seule",
        "leaves out {n} communes, never on its own",
    ),
    "limits.excludes.one": ("écarte 1 commune", "leaves out 1 commune"),
    "limits.excludes.zero": ("n’écarte personne", "leaves out none"),
    "limits.price": (
        "sans elle, le premier aurait {points} points de plus",
        "without it, the first would have {points} more points",
    ),
    "limits.free": (
        "sans elle, le premier serait le même",
        "without it, the first would be the same",
    ),
    "limits.unverified": (
        "pour {n} autres, nous ne pouvons pas vérifier : nous les gardons",
        "for {n} others we cannot verify: we keep them",
    ),
    "limits.unverified.one": (
        "pour 1 autre, nous ne pouvons pas vérifier : nous la gardons",
        "for 1 other we cannot verify: we keep it",
    ),
    "limits.would_give": (
        "sans elle, {n} communes reviennent ; la meilleure a {score} points sur 100",
        "without it, {n} communes come back; the best has {score} points out of 100",
    ),
    "limits.would_give.one": (
        "sans elle, 1 commune revient ; elle a {score} points sur 100",
        "without it, 1 commune comes back; it has {score} points out of 100",
    ),
    "limits.would_give.zero": (
        "sans elle seule, rien ne revient",
        "without it alone, nothing comes back",
    ),
    "limits.drop": ("Retirer cette limite", "Drop this limit"),
    "limits.near": ("Il s’en faut de peu", "Only just missed"),
    "limits.near.item": (
        "{label} : {by} de trop · {score} points",
        "{label}: {by} too much · {score} points",
    ),
    "limits.near.short": (
        "{label} : il manque {by} · {score} points",
        "{label}: short by {by} · {score} points",
    ),
    "limits.near.instead": (
        "{label} : {raw} au lieu de {limit} · {score} points",
        "{label}: {raw} instead of {limit} · {score} points",
    ),
    "limits.under_minute": ("moins d’une minute", "under a minute"),
    "nothing.relax": (
        "Ensemble, vos limites ne laissent aucune commune. Desserrez-en une :",
        "Together, your limits leave no commune. Relax one:",
    ),
    "nothing.wider": (
        "Ou cherchez plus large : {label}.",
        "Or look wider: {label}.",
    ),
    # Faults
    "fault.title": ("Nous n’avons pas pu lire vos réponses", "We could not read your answers"),
    "fault.restart": ("Repartir d’une page vierge", "Start again from an empty page"),
    "fault.key": ("« {key} »", "“{key}”"),
    "fault.field": ("{field} : {text}", "{field}: {text}"),
    "fault.too_large": ("le lien est trop long.", "the link is too long."),
    "fault.unknown_key": (
        "cette question n’existe pas. Vérifiez le lien.",
        "there is no such question. Check the link.",
    ),
    "fault.repeated_key": (
        "la réponse est donnée deux fois. Gardez-en une.",
        "the answer is given twice. Keep one.",
    ),
    "fault.too_long": (
        "la réponse est trop longue ({expected} caractères au plus).",
        "the answer is too long (at most {expected} characters).",
    ),
    "fault.not_a_number": (
        "« {found} » n’est pas un nombre. Écrivez par exemple 120.",
        "“{found}” is not a number. Write for example 120.",
    ),
    "fault.not_an_age": (
        "« {found} » n’est pas un âge. Écrivez par exemple 4, 9.",
        "“{found}” is not an age. Write for example 4, 9.",
    ),
    "fault.not_an_option": (
        "« {found} » n’est pas un choix possible ({expected}).",
        "“{found}” is not one of the choices ({expected}).",
    ),
    "fault.below": (
        "{found} est trop petit : {expected} ou plus.",
        "{found} is too small: {expected} or more.",
    ),
    "fault.not_above": (
        "{found} est trop petit : il faut plus de {expected}.",
        "{found} is too small: more than {expected} is needed.",
    ),
    "fault.above": (
        "{found} est trop grand : {expected} ou moins.",
        "{found} is too large: {expected} or less.",
    ),
    "fault.too_many": (
        "trop de réponses ({expected} au plus).",
        "too many answers (at most {expected}).",
    ),
    "fault.not_breakpoints": (
        "« {found} » n’est pas une suite de seuils (par exemple 5:1,15:0).",
        "“{found}” is not a list of thresholds (for example 5:1,15:0).",
    ),
    "fault.crossed": (
        "le moins ({found}) dépasse le plus ({expected}).",
        "the least ({found}) is above the most ({expected}).",
    ),
    "fault.nothing_matters": (
        "rien ne compte, donc rien ne se classe. Relevez au moins une ligne à « un peu ».",
        "nothing matters, so nothing can be ranked. Raise at least one line to “a little”.",
    ),
    "fault.refused": ("réponse refusée ({expected}).", "answer refused ({expected})."),
    # The map
    "map.title": ("Carte des communes", "Map of the communes"),
    "map.alternative": (
        "La liste dit la même chose en mots.",
        "The list says the same in words.",
    ),
    "map.noscript": (
        "La carte a besoin de JavaScript ; la liste dit la même chose.",
        "The map needs JavaScript; the list says the same.",
    ),
    "map.legend": ("Points sur 100", "Points out of 100"),
    "map.out": ("hors de la recherche", "outside the search"),
    "map.excluded": ("hors de vos limites", "beyond your limits"),
    "map.sourced": ("partenaire, attesté", "partner, attested"),
    "map.reconstructed": ("partenaire, reconstitué", "partner, reconstructed"),
    "map.tooltip": (
        "{score} points sur 100, rang {rank}",
        "{score} points out of 100, rank {rank}",
    ),
    "map.open": ("voir sa fiche", "see its card"),
    "map.below": (
        "plus bas que les {n} affichés",
        "below the {n} on show",
    ),
    "map.zoom_in": ("Agrandir", "Zoom in"),
    "map.zoom_out": ("Réduire", "Zoom out"),
    "map.detailed": ("Carte détaillée", "Detailed map"),
    "map.download": ("La télécharger", "Download it"),
    "map.failed": (
        "La carte n’a pas pu être chargée ; la liste dit la même chose.",
        "The map could not be loaded; the list says the same.",
    ),
    "share.copy": ("Copier le lien", "Copy the link"),
    "share.copied": ("Lien copié", "Link copied"),
    "share.failed": (
        "Copiez l’adresse de la page : elle contient vos réponses.",
        "Copy the address of the page: it holds your answers.",
    ),
    "live.failed": (
        "Le serveur ne répond pas : la liste n’est plus à jour. Réessayez dans un instant.",
        "The server does not answer: the list is out of date. Try again in a moment.",
    ),
    # The foot of the page
    "foot.words": ("Ce que ces mots veulent dire", "What these words mean"),
    "foot.estimated": (
        "Estimé : un calcul, pas une mesure. Les temps de route viennent du réseau des mairies "
        "(ligne droite × {factor}) ; vérifiés sur {checks} distances publiées, ils s’en écartent "
        "de {error} au plus.",
        "Estimated: computed, not measured. Driving times come from the network of town halls "
        "(straight line × {factor}); checked on {checks} published distances, they differ by "
        "{error} at most.",
    ),
    "foot.upper_bound": (
        "Au plus : un lieu plus proche existe peut-être, hors de nos listes.",
        "At most: a closer place may exist, outside our lists.",
    ),
    "foot.reconstructed": (
        "Reconstitué : une règle écrite remplace une liste qui n’est pas publique.",
        "Reconstructed: a written rule stands in for a list that is not public.",
    ),
    "foot.unknown": (
        "Inconnu : ni bon ni mauvais. Le point compte pour moitié et le score devient un "
        "intervalle.",
        "Unknown: neither good nor bad. The point counts for half and the score becomes an "
        "interval.",
    ),
    "foot.odds": (
        "« {n} fois sur 10 » : le classement est refait 2 000 fois, vos mots pris comme des "
        "fourchettes et les chiffres comme ce que l’on en sait. Le rang, lui, suit le score : il "
        "peut sortir de sa fourchette quand d’autres villages ont des chiffres incertains.",
        "“{n} times in 10”: the ranking is made 2,000 times, your words taken as ranges and the "
        "figures as what is known of them. The rank follows the score: it may lie outside its "
        "range when the figures of other villages are uncertain.",
    ),
    "foot.score": (
        "Le score dit à quel point un village ressemble à vos réponses. Il ne promet rien : "
        "allez-y, appelez la mairie.",
        "The score says how much a village looks like your answers. It promises nothing: go "
        "there, call the town hall.",
    ),
    "foot.gaps": ("Ce que nous ne savons pas encore", "What we do not know yet"),
    "foot.sources": ("Sources et licences", "Sources and licences"),
    "foot.release": ("Version des données : {release}", "Data release: {release}"),
    "foot.privacy": (
        "Ni compte, ni cookie, ni mesure d’audience.",
        "No account, no cookie, no audience measurement.",
    ),
    "foot.api": ("Pour les développeurs", "For developers"),
}
"""Text by key: French, English. Placeholders in braces are the same in both."""

_READY: Mapping[str, Mapping[str, str]] = {
    "fr": {key: french_spaces(french) for key, (french, _) in TEXTS.items()},
    "en": {key: english for key, (_, english) in TEXTS.items()},
}


def _translate(language: str, key: str, /, **values: object) -> str:
    return _READY[language][key].format(**values) if values else _READY[language][key]


@lru_cache(maxsize=4)
def translator(language: str) -> Translate:
    """Return the function that gives the texts of a language."""
    return partial(_translate, language)
