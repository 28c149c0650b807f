'use client';
import { DocumentBody } from '#ui/components/document-body.tsx';
import { Screen } from '#ui/components/screen.tsx';
import { Card } from '#ui/components/section.tsx';
import { DetailSkeleton } from '#ui/components/skeletons.tsx';
import { Loaded } from '#ui/components/states.tsx';
import { SupportCell } from '#ui/components/support.tsx';
import { useWords } from '#ui/i18n.tsx';
import { useLongTexts } from '#ui/long-texts.ts';
import { useSession } from '#ui/session.tsx';

/** The terms or the privacy policy inside the Mini App. */
export default function DocumentScreen({ name }: { name: 'terms' | 'privacy' }) {
  const { language, t } = useWords();
  const { site } = useSession();
  const texts = useLongTexts();
  return (
    <Screen title={t(`legal.${name}`)}>
      <Loaded query={texts} skeleton={<DetailSkeleton />}>
        {({ documents }) => (
          <>
            <DocumentBody document={documents[name]} language={language} values={site.retention} />
            <Card className="mt-6">
              <SupportCell />
            </Card>
          </>
        )}
      </Loaded>
    </Screen>
  );
}
