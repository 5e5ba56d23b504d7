import type { Comment, Proposal } from "../api";
import type { Resolution } from "../resolution";
import type { UnsentComment } from "../unsent";
import { t } from "../words";
import type { Commenting } from "./CommentOnSelection";
import { Comments } from "./Comments";
import { ProposalCard } from "./ProposalCard";

/** The proposals and the comments on one provision, beside it. */
export function Margin({ resolution, proposals, comments, unsent, writing, done, place }: {
  resolution: Resolution; proposals: Proposal[]; comments: Comment[]; unsent: UnsentComment[]; writing: Commenting | null; done(): void; place: string;
}) {
  if (proposals.length + comments.length + unsent.length === 0 && writing === null) return <aside class="margin" aria-hidden="true" />;
  return (
    <aside class="margin" aria-label={t("proposalsFor", { place })}>
      {proposals.map((one) => <ProposalCard key={one.id} proposal={one} resolution={resolution} />)}
      <Comments resolution={resolution} comments={comments} unsent={unsent} writing={writing} done={done} />
    </aside>
  );
}
