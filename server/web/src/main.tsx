// The page: who is here, where, and what is shown there.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { keepReserve } from "./reserve";
import { go, route } from "./route";
import { arrive, comeIn, me } from "./visitor";
import { t } from "./words";
import { ChairPage } from "./views/ChairPage";
import { ProjectorPage } from "./views/ProjectorPage";
import { SecretariatPage } from "./views/SecretariatPage";
import { DocumentList } from "./views/DocumentList";
import { Join } from "./views/Join";
import { ResolutionPage } from "./views/ResolutionPage";
import { Nowhere } from "./views/Nowhere";

function Page() {
  const here = route.value;
  useEffect(() => { document.title = "codraft"; }, [here]);
  if (me.value === undefined) return <main class="wait" aria-busy="true">{t("loading")}</main>;
  if (me.value === null || here.at === "join") return <Join />;
  switch (here.at) {
    case "documents":
      return <DocumentList />;
    case "resolution":
      return <ResolutionPage key={here.document} id={here.document} />;
    case "chair":
      return <ChairPage key={here.document} id={here.document} />;
    case "projector":
      return <ProjectorPage key={here.document} id={here.document} />;
    case "secretariat":
      return <SecretariatPage />;
    default:
      return <Nowhere />;
  }
}

async function start(): Promise<void> {
  // An invitation's token stands behind the # so that it is never sent, logged or passed on.
  const invitation = location.pathname === "/join" ? decodeURIComponent(location.hash.slice(1)) : "";
  if (location.pathname === "/join") history.replaceState(null, "", "/join");
  if (invitation !== "") {
    await comeIn(invitation);
    if (me.value) go("/", true);
    else me.value = null;
  } else {
    await arrive();
    if (me.value && route.value.at === "join") go("/", true);
  }
}

const root = document.getElementById("page");
if (root !== null) render(<Page />, root);
void start();
keepReserve();
